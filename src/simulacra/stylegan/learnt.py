"""What a fit of style-based networks leaves behind, as named tensors and back, and the pictures drawn from it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from simulacra.errors import UserError
from simulacra.generators.pictures import CHUNK, in_chunks, on_grid
from simulacra.generators.streams import normals, uniforms
from simulacra.stylegan.networks import Description, Discriminator, Generator
from simulacra.stylegan.networks.build import empty_discriminator
from simulacra.stylegan.networks.styles import truncate

LAYOUT = torch.channels_last
"""Of weights in memory, wherever they come from, since it decides the last bits. The faster one on processors."""
_PIXELS = 2**18
"""Of pictures that are made together, at most: with their noise and feature maps they take some hundred MB."""
_LATENT, _CLASS, _NOISE = range(3)
"""What the stream of a picture gives numbers for; noise of further layers stands above."""
_MEAN_OF = 1024
"""Latents that a class's mean style is the mean of."""
_NETWORKS = "network", "discriminator"


@dataclass(frozen=True)
class Learnt:
    """Frozen networks, and what else their pictures depend on."""

    network: Generator
    """The averaged one."""
    discriminator: Discriminator
    channels: int
    """Of the pictures learnt from: 1, where the networks' three stand for one grey, 3 or 4."""
    centres: Tensor
    """Shape (K, w_dim): the mean style of each class; (1, w_dim) without labels."""
    shares: Tensor | None = None
    """Shape (K,), float64: of the classes; None without labels."""

    def __post_init__(self) -> None:
        for network in (self.network, self.discriminator):
            network.eval().requires_grad_(False).to(memory_format=LAYOUT)  # type: ignore[call-overload]

    def tensors(self) -> dict[str, Tensor]:
        """All of it by name. The networks' description is there as the bytes of its JSON."""
        words = json.dumps(self.network.description.to_json(), sort_keys=True).encode()
        made = {"description": torch.tensor(list(words), dtype=torch.uint8), "channels": torch.tensor(self.channels)}
        made["centres"] = self.centres
        if self.shares is not None:
            made["shares"] = self.shares
        for name in _NETWORKS:
            made |= {f"{name}.{key}": tensor for key, tensor in getattr(self, name).state_dict().items()}
        return made

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor]) -> "Learnt":
        """The inverse of `tensors`.

        Raises:
            UserError: a tensor is missing, or does not fit the description.
        """
        try:
            description = Description.from_json(json.loads(bytes(tensors["description"].tolist())))
            channels, centres = int(tensors["channels"]), tensors["centres"]
            shares = tensors["shares"] if description.labels else None
        except (LookupError, ValueError, TypeError) as error:
            raise UserError(
                "the description, channels or centres in the state are missing or damaged; give the state of a "
                "generator stylegan"
            ) from error
        with torch.device("meta"):  # no memory for weights that are replaced at once
            networks = Generator(description), empty_discriminator(description)
        for name, network in zip(_NETWORKS, networks, strict=True):
            _fill(network, _under(f"{name}.", tensors), name)
        return cls(*networks, channels, centres, shares)

    @property
    def resolution(self) -> int:
        """Of the pictures, px."""
        return self.network.description.resolution

    def classes(self, count: int, *, seed: int, first: int) -> Tensor | None:
        """Class of each picture, shape (count,), as likely as its share; None without labels."""
        if self.shares is None:
            return None
        ends = self.shares.cumsum(0)
        drawn = uniforms(count, 1, seed=seed, first=first, purpose=_CLASS)[:, 0] * ends[-1]
        return torch.searchsorted(ends, drawn)  # from the left, so that a class of share 0 is never drawn

    def pictures(self, count: int, *, seed: int, psi: float, first: int) -> Tensor:
        """Pictures on the 8-bit grid, shape (count, channels, r, r), the same for any number of threads.

        Raises:
            UserError: a number is not finite.
        """
        together = max(1, min(CHUNK, _PIXELS // self.resolution**2))
        shape = self.channels, self.resolution, self.resolution
        return in_chunks(count, first, shape, partial(self._chunk, together, seed, psi), together=together)

    def _chunk(self, count: int, seed: int, psi: float, first: int) -> Tensor:
        description = self.network.description
        draw = partial(normals, count, seed=seed, first=first)
        classes = self.classes(count, seed=seed, first=first)
        labels = None if classes is None else F.one_hot(classes, description.labels).float()
        centres = self.centres if classes is None else self.centres[classes]
        ws = truncate(
            self.network.styles(draw(description.z_dim, purpose=_LATENT).float(), labels), centres[:, None], psi
        )
        noise = [
            draw(height * width, purpose=_NOISE + place).float().reshape(count, 1, height, width)
            for place, (_, height, width) in enumerate(description.noise_shapes)
        ]
        made: Tensor = self.network.synthesis(ws, noise)
        if not bool(torch.isfinite(made).all()):
            raise UserError("generator stylegan gives numbers that are not finite; its training diverged")
        if self.channels == 1:
            made = made.mean(1, keepdim=True)
        return on_grid(made).contiguous()


@torch.no_grad()
def centres(network: Generator) -> Tensor:
    """The styles that truncation draws towards, shape (K, w_dim) or (1, w_dim).

    Without labels the running average of the training; with them the mean style of each class, since the average of all
    would take the class away with the rest.
    """
    description = network.description
    if not description.labels:
        return network.w_avg[None].clone()
    z = normals(_MEAN_OF, description.z_dim, seed=0).float()
    each = torch.eye(description.labels)
    return torch.stack([network.mapping(z, label.expand(_MEAN_OF, -1)).double().mean(0).float() for label in each])


def _fill(network: nn.Module, tensors: Mapping[str, Tensor], name: str) -> None:
    expected = {key: (tensor.shape, tensor.dtype) for key, tensor in network.state_dict().items()}
    if expected != {key: (tensor.shape, tensor.dtype) for key, tensor in tensors.items()}:
        raise UserError(
            f"the {name} in the state does not fit the description in it; give the state of a generator stylegan"
        )
    network.load_state_dict(tensors, assign=True)


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}

"""A generator ready for use: from seeds to pixels, each picture by itself and on one core.

What a picture is made with must not change its bits. Matrix products are summed in an order that depends on how many
pictures stand in a batch and on how many threads share the work, so here neither varies: pictures are made one by one,
and several cores make several pictures.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from itertools import islice
from typing import Literal, TypeVar

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels, to_pixels
from simulacra.seeds import derive_seed
from simulacra.stylegan.networks import Description, Generator, Noise, digest, latents
from simulacra.stylegan.networks import noise as noises
from simulacra.stylegan.networks.styles import truncate
from simulacra.workers import Workers

NoiseChoice = Literal["seed", "stored", "none"] | int
"""Where noise comes from: the picture's own seed, the network's stored images, nowhere, or one seed for all."""

_KEPT = 1024
"""Latents w that are kept for pictures that use a seed again."""

_AHEAD = 8
"""Pictures made before the first is handed on, for each core."""

_Made = TypeVar("_Made")


class Diverged(UserError):
    """A network gives numbers that are not finite."""


class Maker:
    """Makes pictures with one generator.

    Args:
        generator: moved to the device and frozen.
        generation: rounds of self-consumption behind the network; 0 for one trained on real pictures, None where that
            is not known.
        lod: level of detail it has grown to; 0 when fully grown.
        device: where the network runs: "cpu", "cuda" or any other that torch names.

    Raises:
        UserError: there is no such device here.
    """

    def __init__(
        self, generator: Generator, *, generation: int | None = None, lod: float = 0.0, device: str = "cpu"
    ) -> None:
        self.network = digest(generator)
        self.parameters = sum(parameter.numel() for parameter in generator.parameters())
        self.generation = generation
        self._lod = lod
        self.description: Description = generator.description
        try:
            self._device = torch.device(device)
            self._generator = generator.to(self._device).eval().requires_grad_(False)
        except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
            reason = str(error).splitlines()[0]
            raise UserError(
                f"--device {device} cannot be used here: {reason}; leave it out for the processor"
            ) from error
        self.device = _name(self._device)
        self._w = lru_cache(_KEPT)(self._mapped)

    def label(self, seed: int, label: int | None) -> int | None:
        """The class of a picture: as given, else drawn by its seed; None for a network without labels."""
        if label is not None or not self.description.labels:
            return label
        return derive_seed(seed, "class of a picture") % self.description.labels

    def w(self, seed: int, label: int | None = None) -> Tensor:
        """The latent of a seed, shape (1, w_dim)."""
        return self._w(seed, self.label(seed, label))

    def styles(self, w: Tensor, psi: float = 1.0, cutoff: int | None = None) -> Tensor:
        """The truncated styles of a latent of shape (1, w_dim): shape (1, layers, w_dim)."""
        layers = len(self.description.layers)
        return truncate(w[:, None].expand(-1, layers, -1), self._generator.w_avg, psi, cutoff)

    def mapped(self, z: Tensor, labels: Tensor | None) -> Tensor:
        """The w of a latent z, shape (1, z_dim), and weights of classes, shape (1, labels)."""
        with torch.no_grad():
            w: Tensor = self._generator.mapping(z.to(self._device), None if labels is None else labels.to(self._device))
        return w

    def noise(self, choice: NoiseChoice, seed: int) -> Noise:
        """The noise of one picture, one image of shape (1, 1, r, r) a noisy layer; see `NoiseChoice`."""
        if choice == "stored":
            return self._generator.synthesis.stored_noise
        if choice == "none":
            return noises.silent(self.description, self._device)
        return noises.drawn(self.description, [seed if choice == "seed" else choice], self._device)

    def picture(self, ws: Tensor, noise: Noise) -> Tensor:
        """One picture.

        Args:
            ws: shape (1, layers, w_dim).
            noise: one image a noisy layer.

        Returns:
            Shape (1, colours, r, r), float32, sRGB in [0, 1] on the processor; alpha is not premultiplied.

        Raises:
            UserError: the network gives numbers that are not finite.
        """
        with torch.no_grad():
            made: Tensor = self._generator.synthesis(ws, noise, self._lod).float().cpu()
        if made.shape[-1] < self.description.resolution:  # not grown to it yet
            made = interpolate(made, size=(self.description.resolution,) * 2, mode="nearest")
        if not bool(torch.isfinite(made).all()):
            raise Diverged("the network gives numbers that are not finite; it diverged: take an earlier snapshot")
        return made.add_(1).div_(2).clamp_(0, 1)

    def pixels(self, ws: Tensor, noise: Noise) -> Pixels:
        """One picture as pixels of shape (r, r, colours)."""
        return to_pixels(self.picture(ws, noise))

    def one(self, seed: int, label: int | None, psi: float, cutoff: int | None, noise: NoiseChoice) -> Pixels:
        """The picture of a seed, as all figures make it; shape (r, r, colours)."""
        return self.pixels(self.styles(self.w(seed, label), psi, cutoff), self.noise(noise, seed))

    def each(self, calls: Iterable[Callable[[], _Made]]) -> Iterator[_Made]:
        """The results of calls that make pictures, in their order; a few are made ahead, on all cores.

        Raises:
            UserError: a network gives numbers that are not finite.
        """
        waiting = iter(calls)
        with self._exact():
            if self._device.type != "cpu":
                yield from (call() for call in waiting)
                return
            with Workers() as workers:
                while chunk := list(islice(waiting, _AHEAD * max(1, torch.get_num_threads()))):
                    yield from workers.run(chunk)

    def _mapped(self, seed: int, label: int | None) -> Tensor:
        labels = None if label is None else torch.eye(self.description.labels)[label : label + 1]
        return self.mapped(latents(self.description, [seed]), labels)

    def _exact(self) -> AbstractContextManager[None]:
        """On NVIDIA cards some convolutions are summed in any order unless they are told not to."""
        if self._device.type != "cuda":
            return nullcontext()
        return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def _name(device: torch.device) -> str:
    """What a record calls a device: its kind, and the model of a card."""
    return f"cuda {torch.cuda.get_device_name(device)}" if device.type == "cuda" else device.type

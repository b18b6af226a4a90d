"""The autoencoder of a diffusion model as a copier: what a picture loses by passing through latents and back."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from simulacra.copiers.contract import Copier, Determinism, Receipt, SizeRule
from simulacra.copiers.diffusers.folder import EXTRA, Folder, FolderParameters, device_of, libraries, versions
from simulacra.copiers.padding import to_multiple
from simulacra.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = ("AutoencoderKL", "AutoencoderTiny", "VQModel")
"""What a folder may hold, by the class its configuration names."""

CONFIG = "config.json"

PLACES = (CONFIG, f"vae/{CONFIG}", f"vqvae/{CONFIG}")
"""Where in a folder the autoencoder lies: in itself, or in a part of a whole pipeline."""


class AutoencoderParameters(FolderParameters):
    """Where the autoencoder is, and how its latents are taken."""

    latent: Literal["mode", "sample"] = Field(
        "mode",
        description="mode: the middle of the encoder's distribution; sample: a draw from it (AutoencoderKL only)",
    )
    tiling: bool = Field(False, description="true: large pictures go in overlapping tiles, which saves memory")


class Autoencoder(Copier):
    """Encodes and decodes, with nothing in between: the control of every pipeline that has this autoencoder."""

    family = "autoencoder"
    summary = "encodes and decodes with an autoencoder in a diffusers folder of yours"
    licence = "that of the model you name"
    origin = "diffusers folders (AutoencoderKL, AutoencoderTiny, VQModel), run by diffusers and torch"
    determinism = Determinism.SAME_MACHINE
    differentiable = True
    extra = EXTRA
    size_rule = SizeRule(largest=4096, multiple=8)
    Parameters = AutoencoderParameters
    parameters: AutoencoderParameters

    def __init__(self, parameters: AutoencoderParameters | None = None) -> None:
        super().__init__(parameters)
        self.seeded = self.parameters.latent == "sample"

    def check(self) -> None:
        """Refuse when diffusers or the folder is missing, or it holds something else; see `Copier.check`."""
        kind = self._kind
        libraries("An autoencoder")
        if self.seeded and kind != "AutoencoderKL":
            raise UserError(f"latent is sample, and {kind} has no distribution to draw from; type latent=mode")
        if self.parameters.tiling and kind == "VQModel":
            raise UserError("tiling is true, and VQModel has none; type tiling=false and a smaller --size")

    def fidelity(self) -> Mapping[str, Any]:
        """The middle of the distribution instead of a draw; see `Copier.fidelity`."""
        return {"latent": "mode"}

    def weights(self) -> dict[str, str]:
        """Digests of the configuration and the weights; see `Copier.weights`."""
        return self._digests

    def operator(self) -> dict[str, Any]:
        """As every copier's, without the place of the folder, and with the versions of the libraries."""
        decided = self.parameters.model_dump(mode="json", exclude={"folder", "hub"})
        return super().operator() | {"parameters": decided, "libraries": versions("diffusers")}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Encode and decode; gradients reach pictures that ask for them. See `Copier.copy`."""
        import torch

        height, width = pictures.shape[-2:]
        network, factor = self._network
        copies, receipts = [], []
        with torch.set_grad_enabled(torch.is_grad_enabled() and pictures.requires_grad):
            for picture, seed in zip(pictures, seeds, strict=True):  # one by one: a copy is the same in any batch
                began = perf_counter()
                padded = to_multiple(picture[None], factor).to(network.device)
                decoded = network.decode(self._latents(network.encode(2 * padded - 1), seed)).sample
                copies.append((decoded / 2 + 0.5)[..., :height, :width].clamp(0, 1).to(pictures.device))
                effective = {
                    "class": self._kind,
                    "latent": self.parameters.latent,
                    "factor": factor,
                    "padded_to": [padded.shape[-1], padded.shape[-2]],
                    "device": str(network.device),
                }
                receipts.append(Receipt(perf_counter() - began, effective))
            return torch.cat(copies), receipts

    def _latents(self, encoded: Any, seed: int) -> "Tensor":
        import torch

        distribution = getattr(encoded, "latent_dist", None)
        if distribution is None:
            latents: Tensor = encoded.latents
        elif self.seeded:
            latents = distribution.sample(torch.Generator().manual_seed(seed))
        else:
            latents = distribution.mode()
        return latents

    @cached_property
    def _folder(self) -> Folder:
        return Folder.of(self.family, self.parameters, *PLACES)

    @cached_property
    def _kind(self) -> str:
        name = str(self._folder.config(CONFIG).get("_class_name"))
        if name not in CLASSES:
            raise UserError(f"{self._folder.path} holds a {name}; copier autoencoder runs {', '.join(CLASSES)}")
        return name

    @cached_property
    def _digests(self) -> dict[str, str]:
        return self._folder.digests()

    @cached_property
    def _network(self) -> tuple[Any, int]:
        """The network, ready to run, and pixels a side of one latent."""
        self.check()
        network = self._folder.load(self._kind, f"an {self._kind}")
        if self.parameters.tiling:
            network.enable_tiling()
        blocks = network.config.get("block_out_channels") or network.config["encoder_block_out_channels"]
        ready = network.requires_grad_(False).eval().to(device_of(self.parameters.device))
        return ready, 2 ** (len(blocks) - 1)

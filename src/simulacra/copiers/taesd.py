"""Tiny autoencoders of the TAESD family as copiers, from files the user gives: encode, decode, nothing in between."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.copiers.padding import to_multiple
from simulacra.errors import MissingWeights, UserError

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.copiers.taesd_network import Autoencoder

SUFFIXES = (".pth", ".safetensors")


@dataclass(frozen=True)
class _File:
    path: Path
    data: bytes

    @property
    def digest(self) -> str:
        return sha256(self.data).hexdigest()


class TAESDParameters(Parameters):
    """Where the two files are."""

    folder: Path | None = Field(None, description="folder that holds one *encoder* and one *decoder* file")
    encoder: Path | None = Field(None, description="file of the first half, .pth or .safetensors; needs decoder too")
    decoder: Path | None = Field(None, description="file of the second half, .pth or .safetensors; needs encoder too")

    @model_validator(mode="after")
    def _folder_or_files(self) -> "TAESDParameters":
        if self.folder and (self.encoder or self.decoder):
            raise ValueError("folder and encoder, decoder exclude each other; give the folder or the two files")
        if bool(self.encoder) != bool(self.decoder):
            raise ValueError("encoder and decoder go together; give both")
        return self


class TAESD(Copier):
    """The autoencoder of a diffusion model in small: what a picture loses by passing through latents and back."""

    family = "taesd"
    summary = "encodes and decodes with a tiny autoencoder from your own files (taesd, taesdxl, taesd3, taef1, taef2)"
    licence = "MIT (weights of the TAESD family, Ollin Boer Bohan); of your files, as they say"
    origin = "github.com/madebyollin/taesd, from files you give, run by torch"
    determinism = Determinism.SAME_MACHINE
    differentiable = True
    size_rule = SizeRule(largest=2048, multiple=8)  # above, the feature maps take many GB
    Parameters = TAESDParameters
    parameters: TAESDParameters

    def check(self) -> None:
        """Refuse when the files are not given, not there or no such network; see `Copier.check`."""
        self._network  # noqa: B018 - loading is the check: the files are small

    def weights(self) -> dict[str, str]:
        """Digests of the two files; see `Copier.weights`."""
        return {part: file.digest for part, file in zip(("encoder", "decoder"), self._files, strict=True)}

    def operator(self) -> dict[str, Any]:
        """As every copier's, without the paths: the same files elsewhere are the same operator."""
        return super().operator() | {"parameters": {}}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Encode and decode; gradients reach pictures that ask for them. See `Copier.copy`."""
        import torch

        height, width = pictures.shape[-2:]
        copies, receipts = [], []
        network = self._network
        # Moving a network that is there already would break a Jacobian: its weights may not change while it is traced.
        if next(network.parameters()).device != pictures.device:
            network.to(pictures.device)
        with torch.set_grad_enabled(torch.is_grad_enabled() and pictures.requires_grad):
            for picture in pictures:  # one by one, so that a copy is the same in any batch
                began = perf_counter()
                padded = to_multiple(picture[None], network.factor)
                copies.append(network(padded)[..., :height, :width].clamp(0, 1))
                effective = {"factor": network.factor, "padded_to": [padded.shape[-1], padded.shape[-2]]}
                receipts.append(Receipt(perf_counter() - began, effective))
            return torch.cat(copies), receipts

    @cached_property
    def _network(self) -> "Autoencoder":
        files = self._files  # before torch is imported: most often there are none

        from simulacra.copiers.taesd_network import autoencoder

        encoder, decoder = (_tensors(file) for file in files)
        return autoencoder(encoder, decoder, [file.path for file in files])

    @cached_property
    def _files(self) -> tuple[_File, _File]:
        """Both files, read once, so that the digests are of the bytes that run."""
        chosen = self.parameters
        if chosen.folder is not None:
            encoder, decoder = _only(chosen.folder, "encoder"), _only(chosen.folder, "decoder")
        elif chosen.encoder is not None and chosen.decoder is not None:
            encoder, decoder = chosen.encoder, chosen.decoder
        else:
            raise MissingWeights(
                "copier taesd needs files of its family; type taesd:folder=DIR or taesd:encoder=FILE,decoder=FILE"
            )
        return _read(encoder), _read(decoder)


def _only(folder: Path, part: str) -> Path:
    if not folder.expanduser().is_dir():
        raise UserError(
            f"folder of copier taesd is {folder}, which is no folder; give one with an encoder and a decoder"
        )
    found = sorted(path for path in folder.expanduser().glob(f"*{part}*") if path.suffix in SUFFIXES)
    if len(found) != 1:
        there = ", ".join(path.name for path in found) or "none"
        raise UserError(
            f"{folder} must hold one {part} file ({' or '.join(SUFFIXES)}) and holds {there}; give {part}=FILE"
        )
    return found[0]


def _read(path: Path) -> _File:
    if path.suffix not in SUFFIXES:
        raise UserError(f"{path} is neither {' nor '.join(SUFFIXES)}; give a file of weights in one of these formats")
    try:
        return _File(path, path.expanduser().read_bytes())
    except OSError as error:
        raise UserError(f"cannot read the weights {path}: {error.strerror}; give the path of a file") from error


def _tensors(file: _File) -> "dict[str, Tensor]":
    """The tensors of a file, read as data: neither format can run code."""
    from io import BytesIO

    import safetensors.torch
    import torch

    try:
        if file.path.suffix == ".safetensors":
            return safetensors.torch.load(file.data)
        content = torch.load(BytesIO(file.data), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes the readers raise almost anything
        raise UserError(f"{file.path} does not read as weights; it may be damaged or of another format") from error
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise UserError(f"{file.path} holds no plain table of tensors; give the file as its project publishes it")
    return content

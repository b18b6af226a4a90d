"""DINOv2's features, from a folder in the layout of transformers that the user has."""

from functools import cached_property
from hashlib import file_digest
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.images.resize import resize
from simulacra.measures.of_sets.features import Features

SIDE = 224
"""Pixels: sixteen patches of 14 px a side."""

_MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]  # of ImageNet, as the network was trained
_SPREAD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


class DINOv2(Features):
    """The class token after the last normalisation: 384, 768, 1,024 or 1,536 numbers.

    Source: Oquab et al. 2023, "DINOv2: Learning Robust Visual Features without Supervision"; as features for sets,
    Stein et al. 2023, "Exposing flaws of generative model evaluation metrics".
    """

    name = "dinov2"
    resizing = f"{SIDE} px squares, bicubic, antialiased"

    def __init__(self, folder: Path) -> None:
        """Choose the folder.

        Args:
            folder: with `config.json` and `model.safetensors`; nothing else in it is read.

        Raises:
            UserError: one of the two is not there.
        """
        self.folder = Path(folder)
        for file in ("config.json", "model.safetensors"):
            if not (self.folder / file).is_file():
                raise UserError(f"{self.folder} holds no {file}; give a folder of DINOv2 as transformers saves it")

    @classmethod
    def opened(cls, argument: str) -> Self:
        """`dinov2:FOLDER`; see `Features.opened`."""
        if not argument:
            raise UserError("the features dinov2 need a folder; type: dinov2:FOLDER, as transformers saves it")
        return cls(Path(argument))

    def embed(self, picture: Tensor) -> Tensor:
        """The class token, shape (D,), float32."""
        x = (resize(picture, SIDE, SIDE, "bicubic").clamp(0, 1) - _MEAN) / _SPREAD
        token: Tensor = self._network(pixel_values=x).last_hidden_state[0, 0]
        return token

    @property
    def length(self) -> int:  # type: ignore[override]  # known from the file only
        """D, as the network's configuration says."""
        return int(self._network.config.hidden_size)

    def weights(self) -> dict[str, str]:
        """Digests of both files."""
        return dict(self._digests)

    def prepare(self) -> None:
        """Load the network.

        Raises:
            MissingExtra: transformers is not installed.
            UserError: the folder holds no DINOv2.
        """
        _ = self._network

    @cached_property
    def _network(self) -> Any:
        transformers = require("transformers", "diffusers", "the DINOv2 features")
        settings = {"local_files_only": True, "use_safetensors": True, "dtype": torch.float32}
        config = transformers.AutoConfig.from_pretrained(self.folder, local_files_only=True)
        if config.model_type != "dinov2":
            raise UserError(f"{self.folder} holds a {config.model_type} network; give a folder of DINOv2")
        try:
            return transformers.Dinov2Model.from_pretrained(self.folder, **settings).eval()
        except (OSError, RuntimeError, ValueError) as error:
            raise UserError(f"the DINOv2 folder {self.folder} does not load: {error}") from error

    @cached_property
    def _digests(self) -> dict[str, str]:
        digests = {}
        for file in ("config.json", "model.safetensors"):
            with (self.folder / file).open("rb") as stream:
                digests[file] = file_digest(stream, "sha256").hexdigest()
        return digests

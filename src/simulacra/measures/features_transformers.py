"""CLIP's picture tower and DINOv2 as transformers saves them: what a picture shows, as the direction of a vector.

A picture is brought to the network as the folder's own `preprocessor_config.json` says: shorter side to so many pixels,
the middle cut out, colours standardised. On floats, without the rounding to 8 bits that the library's own reader does.

Sources: Radford and others 2021, "Learning Transferable Visual Models From Natural Language Supervision"; Oquab and
others 2023, "DINOv2: Learning Robust Visual Features without Supervision".
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.errors import UserError
from simulacra.extras import require
from simulacra.images.resize import Filter, resize

EXTRA = "diffusers"
"""The extra that installs transformers."""

Kind = Literal["clip", "dinov2"]
"""What a folder holds, which is also its entry in the weights table."""

_LOADING = Lock()
"""The library changes torch's initialisers, for the whole process, while it loads; channels load on several threads."""

_FILTERS: dict[int, Filter] = {0: "nearest", 1: "lanczos", 2: "bilinear", 3: "bicubic", 4: "box"}  # Pillow's numbers


class View(NamedTuple):
    """How a picture is brought to the network."""

    shorter: int  # px, of the shorter side once resized
    height: int  # px, of the middle that is cut out
    width: int
    filter: Filter
    mean: tuple[float, ...]
    spread: tuple[float, ...]


class Network(NamedTuple):
    """A network and how it looks at pictures."""

    kind: Kind
    model: Any
    view: View


@lru_cache(maxsize=2)
def network(kind: Kind, folder: Path) -> Network:
    """The network of a folder, loaded once a process.

    Raises:
        MissingExtra: transformers is not installed.
        UserError: the folder does not load as this kind of network, or holds a part of its weights only.
    """
    library = require("transformers", EXTRA, f"the {kind} channel")
    with _LOADING, _quiet(library):
        try:
            view = _view(json.loads((folder / "preprocessor_config.json").read_bytes()))
            if kind == "clip":
                whole = library.CLIPConfig.from_pretrained(folder)
                config = whole.vision_config
                config.projection_dim = whole.projection_dim  # the tower's own entry may hold the library's default
                loader = library.CLIPVisionModelWithProjection
            else:
                config, loader = library.Dinov2Config.from_pretrained(folder), library.Dinov2Model
            model, report = loader.from_pretrained(
                folder,
                config=config,
                local_files_only=True,
                use_safetensors=True,
                dtype=torch.float32,
                output_loading_info=True,
            )
        except Exception as error:  # damaged folders make the readers raise almost anything
            first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
            raise UserError(
                f"{folder} does not load as {kind}: {type(error).__name__}: {first[:300]}; "
                f"type: simulacra weights add {kind} FOLDER"
            ) from error
    if report["missing_keys"]:  # the library would fill them with random numbers
        raise UserError(
            f"{folder} lacks weights of {kind}, such as {min(report['missing_keys'])}; "
            f"type: simulacra weights add {kind} FOLDER, with a whole one"
        )
    return Network(kind, model.eval().requires_grad_(False), view)


def embed(picture: Tensor, network: Network) -> Tensor:
    """The direction of one picture's features: CLIP's projected ones, DINOv2's class token after the last norm.

    Args:
        picture: shape (1, 3, H, W), float32, sRGB in [0, 1].
        network: from `network`.

    Returns:
        Shape (D,), float64, of length 1.
    """
    answer = network.model(pixel_values=look(picture, network.view))
    features = answer.image_embeds if network.kind == "clip" else answer.pooler_output
    return F.normalize(features[0].double(), dim=0)


def look(picture: Tensor, view: View) -> Tensor:
    """A picture as the network is shown it, shape (1, 3, height, width) of the view."""
    height, width = picture.shape[-2:]
    shorter, longer = sorted((height, width))
    stretched = max(view.shorter, int(view.shorter * longer / shorter))
    size = (stretched, view.shorter) if width >= height else (view.shorter, stretched)
    x = resize(picture, *size, view.filter).clamp(0, 1)
    top, left = (x.shape[-2] - view.height) // 2, (x.shape[-1] - view.width) // 2
    x = x[..., top : top + view.height, left : left + view.width]
    mean, spread = (torch.tensor(values, dtype=x.dtype).view(3, 1, 1) for values in (view.mean, view.spread))
    return (x - mean) / spread


def _view(settings: dict[str, Any]) -> View:
    """What the folder's file says of how pictures are prepared; other ways than the published ones are refused."""
    size, crop = settings["size"], settings.get("crop_size", settings["size"])
    shorter = size if isinstance(size, int) else size["shortest_edge"]
    height, width = (crop, crop) if isinstance(crop, int) else (crop["height"], crop["width"])
    if max(height, width) > shorter:
        raise ValueError(f"preprocessor_config.json cuts {width}x{height} px out of a shorter side of {shorter} px")
    return View(
        shorter,
        height,
        width,
        _FILTERS[settings.get("resample", 3)],
        tuple(settings["image_mean"]),
        tuple(settings["image_std"]),
    )


@contextmanager
def _quiet(library: Any) -> Iterator[None]:
    """Without the library's bars and remarks: what matters of them is in errors."""
    log = library.utils.logging
    before = log.get_verbosity()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(before)
        log.enable_progress_bar()

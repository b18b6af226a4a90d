"""Trainings that take a second: 8 px, four feature maps, a set of thirty pictures of noise."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.calibration import Wish
from simulacra.stylegan.training.feeding import Batch
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.recipe import Recipe
from simulacra.stylegan.training.state import TrainingState
from simulacra.stylegan.training.trainer import Trainer

PICTURES, SIDE = 30, 8
SMALL: dict[str, Any] = {"resolution": SIDE, "channel_base": 32, "channel_max": 4, "z_dim": 6, "mapping_depth": 1}
ONE = Description.stylegan1(**SMALL, progressive=False)
GROWING = Description.stylegan1(**SMALL)
TWO = Description.stylegan2(**SMALL)
PLAIN = Wish(threads=1, layout="contiguous", precision="fp32")


class Silent:
    """A watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def begin(self, stage: str, total: int, done: int) -> None:
        self.begun_at = done

    def advance(self, done: int) -> None:
        pass

    def end(self, outcome: str) -> None:
        pass

    def tell(self, sentence: str) -> None:
        self.told.append(sentence)


class Alone(Processes):
    """One of several processes whose exchanges leave what it has: for what it does by itself."""

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        return value


def recipe(description: Description = ONE, **changes: Any) -> Recipe:
    """A training of 48 pictures in steps of 4."""
    fields = {"description": description, "kimg": 0.048, "batch": {4: 4}, "rate": {4: 0.01}, "r1_gamma": 1.0}
    return Recipe.from_json({**fields, **changes})


def growing(**changes: Any) -> Recipe:
    """From 4 px for 16 pictures over a fade of 16 to 8 px."""
    return recipe(GROWING, grow_from=4, stable_kimg=0.016, fade_kimg=0.016, **changes)


def batch(count: int = 4, labels: int = 0, seed: int = 0) -> Batch:
    """Noise in [-1, 1]."""
    stream = torch.Generator().manual_seed(seed)
    pictures = 2 * torch.rand(count, 3, SIDE, SIDE, generator=stream) - 1
    chosen = torch.eye(labels)[torch.arange(count) % labels] if labels else None
    return Batch(pictures, chosen, chosen)


def trainer(made: Recipe, processes: Processes | None = None, **given: Any) -> Trainer:
    """A trainer of fresh networks that always sees the same pictures."""
    state = TrainingState(made, 1, torch.device("cpu"))
    everyone = processes or Processes()
    share = batch(everyone.share(4), made.description.labels)
    return Trainer(state, lambda position, at: share, 2, everyone, **given)


def write_set(path: Path, classes: int = 0, colour: str = "RGB") -> Path:
    """A set without the project's own facts, as other tools write them."""
    rng = np.random.default_rng(20261122)
    names = [f"{index:04d}.png" for index in range(PICTURES)]
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            data = io.BytesIO()
            shape = (SIDE, SIDE) if colour == "L" else (SIDE, SIDE, len(colour))
            Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8)).save(data, "PNG")
            file.writestr(name, data.getvalue())
        if classes:
            labels = [[name, index % classes] for index, name in enumerate(names)]
            file.writestr("dataset.json", json.dumps({"labels": labels}))
    return path

"""Claims: the tiny preset at 64 px trains at 8 s for 1,000 pictures on two cores; lazy R1 and bf16 pay.

Every contender does whole steps of batch 32 (discriminator, generator, average), sixteen at a time so that lazy R1 is
in them at its own rate, in turns; the least time of each counts. The peer, `plain_stylegan2.py`, takes part with the
maps of the preset, and with twice as many where they cost most and a quarter fewer weights.

bf16 must gain only where the processor multiplies matrices at least twice as fast in it; without such units it cannot.
"""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from benchmarks.plain_stylegan2 import Peer
from simulacra.runs.progress import Silent
from simulacra.stylegan.training.calibration import LAYOUTS, PRECISIONS, Wish
from simulacra.stylegan.training.feeding import Batch
from simulacra.stylegan.training.presets import preset
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.recipe import Recipe
from simulacra.stylegan.training.records import events
from simulacra.stylegan.training.state import TrainingState
from simulacra.stylegan.training.train import Pace, train
from simulacra.stylegan.training.trainer import Trainer

MOST_SECONDS, LEAST_LAZY, LEAST_BF16, MOST_WAITING = 8.0, 1.2, 1.4, 0.05
SIDE, BATCH, STEPS, ROUNDS = 64, 32, 16, 2


def measure() -> dict[str, Any]:
    recipe = tiny("tiny")
    maps = tuple(recipe.description.channels(side) for side in recipe.description.resolutions)
    peers = {"peer": Peer(BATCH, maps), "peer of more maps": Peer(BATCH)}
    contenders = {
        "fp32": ours(recipe, "fp32"),
        "bf16": ours(recipe, "bf16"),
        "fp32, R1 at every step": ours(recipe.changed(r1_every=1), "fp32"),
        "stylegan2, fp32": ours(tiny("tiny2"), "fp32"),
        **{name: peer.step for name, peer in peers.items()},
    }
    seconds = dict.fromkeys(contenders, float("inf"))
    for _ in range(ROUNDS):
        for name, step in contenders.items():
            began = perf_counter()
            for _ in range(STEPS):
                step()
            seconds[name] = min(seconds[name], 1000 * (perf_counter() - began) / (STEPS * BATCH))
    best = min(seconds["fp32"], seconds["bf16"])  # as calibration chooses
    lazy, bf16 = seconds["fp32, R1 at every step"] / seconds["fp32"], seconds["fp32"] / seconds["bf16"]
    matrices, waiting = matrix_gain(), waiting_share()
    networks = TrainingState(recipe, 0, torch.device("cpu"))
    return {
        "claim": f"the tiny preset at {SIDE} px, batch {BATCH}, takes at most {MOST_SECONDS:g} s for 1,000 pictures; "
        f"lazy R1 gains {LEAST_LAZY}, bf16 {LEAST_BF16} where matrices gain 2; waiting for data is at most "
        f"{MOST_WAITING:.0%} of a step",
        "threads": torch.get_num_threads(),
        "parameters": {
            "ours": [parameters(networks.generator), parameters(networks.discriminator)],
            **{name: [parameters(peer.generator), parameters(peer.discriminator)] for name, peer in peers.items()},
        },
        "seconds_a_kimg": {name: round(value, 2) for name, value in seconds.items()},
        "gain_over_peer": round(seconds["peer"] / best, 2),
        "lazy_gain": round(lazy, 2),
        "bf16_gain": round(bf16, 2),
        "bf16_matrix_gain": round(matrices, 2),
        "waiting_share": round(waiting, 4),
        "holds": best <= MOST_SECONDS
        and lazy >= LEAST_LAZY
        and (bf16 >= LEAST_BF16 or matrices < 2)
        and waiting <= MOST_WAITING,
    }


def tiny(name: str, **changes: float) -> Recipe:
    """A preset with the claim's batch: the preset's own is half of it, and the peer must make as many pictures."""
    return preset(name, resolution=SIDE, batch={4: BATCH}, **changes)


def ours(recipe: Recipe, precision: str) -> Callable[[], None]:
    state = TrainingState(recipe, 0, torch.device("cpu"), LAYOUTS["channels-last"])
    pictures = Batch(2 * torch.rand(BATCH, 3, SIDE, SIDE) - 1, None, None)
    return Trainer(state, lambda position, at: pictures, 0, Processes(), PRECISIONS[precision]).step


def matrix_gain(size: int = 1024) -> float:
    seconds = {}
    for precision in (torch.float32, torch.bfloat16):
        matrix = torch.randn(size, size).to(precision)
        times = []
        for _ in range(10):
            began = perf_counter()
            matrix @ matrix
            times.append(perf_counter() - began)
        seconds[precision] = min(times)
    return seconds[torch.float32] / seconds[torch.bfloat16]


def waiting_share(kimg: float = 1.0, pictures: int = 1000) -> float:
    """Of a real training's time, on a set it has not read before."""
    noise = np.random.default_rng(0)
    with TemporaryDirectory() as folder:
        data = Path(folder) / "set.zip"
        with zipfile.ZipFile(data, "w") as file:
            for index in range(pictures):
                png = io.BytesIO()
                Image.fromarray(noise.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(png, "PNG")
                file.writestr(f"{index:05d}.png", png.getvalue())
        recipe = tiny("tiny", kimg=kimg)
        wish = Wish(torch.get_num_threads(), "channels-last", "fp32")
        trained = train(
            data, recipe, wish=wish, pace=Pace(tick_kimg=kimg), store=Path(folder) / "store", watcher=Silent()
        )
        return float(next(events(trained.run, "tick"))["waiting_share"])


def parameters(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())

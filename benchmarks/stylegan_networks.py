"""Claims: fast operations are 1.5 times as fast as reference ones; a generator keeps the machine convolving.

First: the generator's forward pass at 64 px, full width, batch 8, with the reference operations and with the fast
ones, each in its better memory format, in turn; both families.

Second: the generator of StyleGAN at 256 px, full width, batch 8, as multiplications of its convolutions a second (as
the fast operations need them, blurs, statistics and styles left out), against the machine's own rate in the same run:
that of the network's seven 3x3 convolutions that keep the size, run alone, in the better memory format. The rate of
the single best of them is reported too.
"""

from collections.abc import Callable
from itertools import pairwise, product
from time import perf_counter
from typing import Any

import torch
import torch.nn.functional as F

from simulacra.stylegan.networks import Description, Generator, build_generator, latents, use_operations

LEAST_GAIN, LEAST_SHARE = 1.5, 0.6
BATCH, ROUNDS = 8, 3
FORMATS = {"channels first": torch.contiguous_format, "channels last": torch.channels_last}


@torch.no_grad()
def measure() -> dict[str, Any]:
    gains = {family: gain(family) for family in ("stylegan1", "stylegan2")}
    rates = rate()
    return {
        "claim": f"fast operations are {LEAST_GAIN} times as fast as reference ones at 64 px, and the generator at "
        f"256 px reaches {LEAST_SHARE:.0%} of the machine's convolution rate (full width, batch {BATCH})",
        "threads": torch.get_num_threads(),
        "gains": gains,
        "rates": rates,
        "holds": all(each["gain"] >= LEAST_GAIN for each in gains.values()) and rates["share"] >= LEAST_SHARE,
    }


def gain(family: str, resolution: int = 64) -> dict[str, Any]:
    generator, ws = prepared(family, resolution)

    def run(form: str, name: str) -> Callable[[], object]:
        def once() -> object:
            use_operations(generator, form)
            return generator.to(memory_format=FORMATS[name]).synthesis(ws)

        return once

    seconds = fastest({(form, name): run(form, name) for form, name in product(("reference", "fast"), FORMATS)})
    best = {form: min(seconds[form, name] for name in FORMATS) for form in ("reference", "fast")}
    return {
        "seconds": {f"{form}, {name}": round(value, 3) for (form, name), value in seconds.items()},
        "gain": round(best["reference"] / best["fast"], 2),
    }


def rate(resolution: int = 256) -> dict[str, Any]:
    generator, ws = prepared("stylegan1", resolution)
    shapes = [(generator.description.channels(side), side) for side in generator.description.resolutions]
    alone = fastest({(name, shape): convolution(*shape, name) for name, shape in product(FORMATS, shapes)})
    whole = fastest(
        {name: lambda name=name: generator.to(memory_format=FORMATS[name]).synthesis(ws) for name in FORMATS}
    )

    work = {shape: 2 * BATCH * 9 * shape[0] ** 2 * shape[1] ** 2 for shape in shapes}  # a product and a sum each
    by_format = {name: sum(work.values()) / sum(alone[name, shape] for shape in shapes) for name in FORMATS}
    floating = 2 * BATCH * multiplications(generator.description)
    reached = floating / min(whole.values())
    return {
        "convolutions_alone_gflops": {name: round(value / 1e9, 1) for name, value in by_format.items()},
        "best_convolution_gflops": round(max(work[shape] / alone[name, shape] for name, shape in alone) / 1e9, 1),
        "generator_seconds": {name: round(value, 3) for name, value in whole.items()},
        "generator_gflops": round(reached / 1e9, 1),
        "share": round(reached / max(by_format.values()), 3),
    }


def prepared(family: str, resolution: int) -> tuple[Generator, torch.Tensor]:
    make = Description.stylegan1 if family == "stylegan1" else Description.stylegan2
    description = make(resolution=resolution)
    generator = build_generator(description, seed=1)
    return generator, generator.styles(latents(description, range(BATCH)))


def convolution(maps: int, side: int, name: str) -> Callable[[], object]:
    x = torch.randn(BATCH, maps, side, side).contiguous(memory_format=FORMATS[name])
    kernel = torch.randn(maps, maps, 3, 3).contiguous(memory_format=FORMATS[name])
    return lambda: F.conv2d(x, kernel, padding=1)


def multiplications(description: Description) -> int:
    """Of the convolutions for one picture: 9 for each output where the size stays, 4 where it is doubled."""
    kept = sum(9 * description.channels(side) ** 2 * side**2 for side in description.resolutions)
    doubled = sum(
        4 * description.channels(before) * description.channels(after) * after**2
        for before, after in pairwise(description.resolutions)
    )
    return kept + doubled


def fastest(calls: dict[Any, Callable[[], object]]) -> dict[Any, float]:
    """The least seconds of each call, which take turns so that a busy machine treats all alike."""
    seconds = dict.fromkeys(calls, float("inf"))
    for turn in range(ROUNDS + 1):
        for key, call in calls.items():
            began = perf_counter()
            call()
            if turn:  # the first only warms up
                seconds[key] = min(seconds[key], perf_counter() - began)
    return seconds

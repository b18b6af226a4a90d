"""Runs made by hand: chains with plain numbers as measures and names as pixels."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from simulacra.copying.result import Chain, CopyResult, Ended, Ending, Frame, Reference
from simulacra.measures.contract import Against, Better, Measure, Value

ALONE = {
    "lightness_mean": "L*",
    "a_mean": "a*",
    "b_mean": "b*",
    "chroma_mean": "C*",
    "sharpness_laplacian": "1",
    "skin_ita": "°",
}
PAIRS = {"delta_e00_pixel_mean": "ΔE00", "delta_e00_of_mean": "ΔE00", "landmark_distance": "eye distances", "zoom": "1"}
MEASURES = tuple(
    Measure(name, unit, against, Better.NEITHER, "A number.", "A paper")
    for against, names in ((Against.NOTHING, ALONE), (Against.REFERENCE, PAIRS))
    for name, unit in names.items()
)

Columns = Mapping[str, Sequence[Value]]


def chain(
    picture: str,
    columns: Columns,
    *,
    copier: str = "painter",
    control: bool = False,
    replicate: int = 1,
    remedy: str | None = None,
    ending: Ending | None = None,
) -> Chain:
    """A chain whose columns are these; the measures of pairs are given for both references."""
    count = len(next(iter(columns.values())))
    who = f"{picture}/{copier}/{replicate}/{remedy}"
    frames = tuple(
        Frame(index, f"s1:{who}/{index}", picture if index == 0 else f"{who}/{index}", f"{index:064d}", 0.0, False)
        for index in range(count)
    )
    alone = {name: tuple(values) for name, values in columns.items() if name in ALONE}
    pairs = {name: tuple(values) for name, values in columns.items() if name in PAIRS}
    values: dict[Reference, dict[str, tuple[Value, ...]]] = {"frame": alone, "origin": pairs, "previous": pairs}
    reached = ending or Ending(Ended.TIMES, count - 1)
    return Chain(who, picture, copier, control, replicate, frames, reached, values, remedy)


def run(chains: Sequence[Chain], name: str = "painter-0123456789ab", legs: int = 1) -> CopyResult:
    """The run that holds these chains."""
    times = max(len(each.frames) for each in chains) - 1
    return CopyResult(
        identity="s1:0123456789abcdef",
        folder=Path(name),
        command="simulacra copy picture.png --copier painter",
        spec={"settings": {"legs": [{"copier": "painter", "copies": times}] * legs}},
        manifest={},
        size=(8, 8),
        times=times,
        chains=tuple(chains),
        measures=MEASURES,
        channels={},
        absent={},
        blobs=Path("blobs"),
    )


def pulled(
    start: float, place: float, half_life: float, copies: int, noise: float, generator: np.random.Generator
) -> list[float]:
    """An autoregression from `start` towards `place`."""
    slope = 0.5 ** (1 / half_life)
    values = [start]
    for _ in range(copies):
        values.append(place + slope * (values[-1] - place) + noise * generator.standard_normal())
    return values


def walk(start: float, copies: int, generator: np.random.Generator) -> list[float]:
    """A random walk."""
    return [start, *(start + generator.standard_normal(copies).cumsum())]

"""A copying run made by hand: real stored frames, plain numbers, and every kind of ending."""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from skimage.data import astronaut, coffee

from simulacra.copying.result import Chain, CopyResult, Ended, Ending, Frame
from simulacra.images.pixels import Pixels, pixel_digest
from simulacra.images.webp import encode
from simulacra.measures.contract import Against, Better, Measure, Undefined, Value

MEASURES = {
    "colour": (
        Measure(
            "delta_e00_pixel_mean", "ΔE00", Against.REFERENCE, Better.LOWER, "CIEDE2000, mean over pixels.", "CIE 142"
        ),
        Measure(
            "delta_lightness_mean", "L*", Against.REFERENCE, Better.NEITHER, "Difference of the mean L*.", "CIE 15"
        ),
        Measure("delta_a_mean", "a*", Against.REFERENCE, Better.NEITHER, "Difference of the mean a*.", "CIE 15"),
        Measure("delta_b_mean", "b*", Against.REFERENCE, Better.NEITHER, "Difference of the mean b*.", "CIE 15"),
        Measure("lightness_mean", "L*", Against.NOTHING, Better.NEITHER, "Mean L*.", "CIE 15"),
    ),
    "structure": (
        Measure("ssim", "1", Against.REFERENCE, Better.HIGHER, "Similarity of structure.", "Wang 2004"),
        Measure(
            "sharpness_laplacian",
            "1",
            Against.NOTHING,
            Better.NEITHER,
            "Variance of the Laplacian.",
            "Pech-Pacheco 2000",
        ),
    ),
    "face": (
        Measure("face_present", "1", Against.NOTHING, Better.HIGHER, "1 where a face is found, else 0.", "BlazeFace"),
        Measure("identity_distance", "1", Against.REFERENCE, Better.LOWER, "Distance of descriptors.", "dlib"),
    ),
}

FACE_LOST = 5
"""The first copy of a melting chain that has no face."""


class Runs:
    """Builds runs in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "melting-0123456789ab"
        self.folder.mkdir()
        self.blobs = folder / "blobs"

    def chain(
        self,
        frames: Sequence[Pixels],
        *,
        picture: str = "astronaut",
        copier: str = "melting",
        control: bool = False,
        replicate: int = 1,
        ending: Ending | None = None,
    ) -> Chain:
        """A chain of these frames; a control keeps its face for ever."""
        stored = tuple(self._frame(index, pixels) for index, pixels in enumerate(frames))
        return Chain(
            name=f"{picture}/{copier}/{replicate}",
            picture=picture,
            copier=copier,
            control=control,
            replicate=replicate,
            frames=stored,
            ending=ending or Ending(Ended.TIMES, len(frames) - 1),
            values=_values(frames, face_until=len(frames) if control else FACE_LOST),
        )

    def result(self, chains: Sequence[Chain], times: int) -> CopyResult:
        """The run that holds these chains."""
        with Image.open(self.blobs / "sha256" / chains[0].frames[0].blob[:2] / chains[0].frames[0].blob) as first:
            size = first.size
        return CopyResult(
            identity="s1:0123456789abcdef",
            folder=self.folder,
            command=f"simulacra copy astronaut.png --copier melting --times {times}",
            spec={
                "identity": {"seed": 0},
                "settings": {
                    "pictures": [
                        {"label": label, "width": size[0], "height": size[1], "told": ["transparency was put on white"]}
                        for label in dict.fromkeys(chain.picture for chain in chains)
                    ],
                    "legs": [{"copier": "melting", "copies": times}],
                },
            },
            manifest={"versions": {"simulacra": "0.1.0"}, "python": "3.11", "threads": 2},
            size=size,
            times=times,
            chains=tuple(chains),
            measures=tuple(measure for entries in MEASURES.values() for measure in entries),
            channels={channel: tuple(entry.name for entry in entries) for channel, entries in MEASURES.items()},
            absent={"geometry": "geometry was left out by --channels"},
            blobs=self.blobs,
        )

    def _frame(self, index: int, pixels: Pixels) -> Frame:
        data = encode(pixels)
        blob = sha256(data).hexdigest()
        path = self.blobs / "sha256" / blob[:2] / blob
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return Frame(index, f"s1:step{index}", pixel_digest(pixels), blob, 0.25 if index else 0.0, reused=False)


def portrait(size: int, name: str = "astronaut") -> Pixels:
    """A photograph of `size` x `size` px."""
    return np.asarray(Image.fromarray({"astronaut": astronaut, "coffee": coffee}[name]()).resize((size, size)))


def melt(pixels: Pixels, copies: int, tint: Sequence[float] = (1.02, 1.0, 0.975)) -> list[Pixels]:
    """Frame 0 and copies that blur and turn orange, each made from the one before."""
    frames = [pixels]
    for _ in range(copies):
        blurred = Image.fromarray(frames[-1]).filter(ImageFilter.GaussianBlur(0.6))
        frames.append(np.clip(np.asarray(blurred) * np.asarray(tint), 0, 255).round().astype(np.uint8))
    return frames


def melting(runs: Runs, *, size: int = 32, copies: int = 20) -> CopyResult:
    """A model's chain beside controls: identity (settled at once), a codec (cycles), a resize (drifts a little)."""
    start = portrait(size)
    cycle = [*melt(start, 3, (1, 1, 1)), portrait(size)]
    cycle.append(cycle[3])  # frames 3, 4, 3: a cycle of two that begins at frame 3
    return runs.result(
        [
            runs.chain(melt(start, copies)),
            runs.chain([start, start], copier="identity", control=True, ending=Ending(Ended.FIXED_POINT, 1, 0, 1)),
            runs.chain(cycle, copier="webp:quality=80", control=True, ending=Ending(Ended.CYCLE, 5, 3, 2)),
            runs.chain(melt(start, copies, (1, 1, 1)), copier="resize:by=4", control=True),
        ],
        copies,
    )


def with_scores(result: CopyResult, scores: dict[str, tuple[Better, Value, Value]]) -> CopyResult:
    """The run with no-reference scores that go straight from one value to another."""
    measures = tuple(
        Measure(name, "1", Against.NOTHING, better, "A score.", "A paper") for name, (better, *_) in scores.items()
    )

    def column(first: Value, last: Value, frames: int) -> tuple[Value, ...]:
        return (first, *(last for _ in range(frames - 1)))

    chains = tuple(
        replace(
            chain,
            values={
                **chain.values,
                "frame": {
                    **chain.values["frame"],
                    **{name: column(first, last, len(chain.frames)) for name, (_, first, last) in scores.items()},
                },
            },
        )
        for chain in result.chains
    )
    channels = {**result.channels, "quality": tuple(scores)}
    return replace(result, chains=chains, measures=result.measures + measures, channels=channels)


def _values(frames: Sequence[Pixels], face_until: int) -> dict[str, dict[str, tuple[Value, ...]]]:
    def means(pixels: Pixels) -> np.ndarray:
        return np.asarray(pixels, dtype=np.float64).mean(axis=(0, 1)) / 2.55

    def distance(one: Pixels, other: Pixels) -> float:
        return float(np.abs(one.astype(np.float64) - other).mean() / 2.55)

    origin, faceless = frames[0], Undefined("no face found")

    def pair(index: int, reference: Pixels) -> dict[str, Value]:
        red, green, blue = means(frames[index]) - means(reference)
        return {
            "delta_e00_pixel_mean": distance(frames[index], reference),
            "delta_lightness_mean": float((red + green + blue) / 3),
            "delta_a_mean": float(red - green),
            "delta_b_mean": float((red + green) / 2 - blue),
            "ssim": 1 / (1 + distance(frames[index], reference) / 10),
            "identity_distance": distance(frames[index], reference) / 30 if index < face_until else faceless,
        }

    def alone(index: int) -> dict[str, Value]:
        return {
            "lightness_mean": float(means(frames[index]).mean()),
            "sharpness_laplacian": float(frames[index].astype(np.float64).var()),
            "face_present": float(index < face_until),
        }

    first = dict.fromkeys(pair(0, origin), Undefined("frame 0 has no frame before it"))
    rows = {
        "frame": [alone(index) for index in range(len(frames))],
        "origin": [pair(index, origin) for index in range(len(frames))],
        "previous": [first, *(pair(index, frames[index - 1]) for index in range(1, len(frames)))],
    }
    return {
        reference: {name: tuple(row[name] for row in columns) for name in columns[0]}
        for reference, columns in rows.items()
    }


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    return Runs(tmp_path)


@pytest.fixture
def result(runs: Runs) -> CopyResult:
    return melting(runs)

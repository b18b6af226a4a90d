"""Loops made by hand: plain numbers, sheets of drawn blots, and every way in which a loop can end."""

from hashlib import sha256
from io import BytesIO
from math import exp, sqrt

import numpy as np
from PIL import Image

from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import preset
from simulacra.autophagy.record import Arm, LoopRecord, Measured, Reading, Reference, Round

MODES = ("zero", "one", "two", "three")
EDGES = tuple(np.linspace(-4, 4, 33).tolist())


class Loops:
    """Makes records that share one store of blobs."""

    def __init__(self, kind: str = "pictures") -> None:
        self.kind = kind  # "pictures", or "line" for numbers in one dimension
        self.blobs: dict[str, bytes] = {}

    def record(
        self,
        arm: Arm = "loop",
        *,
        name: str = "fully-synthetic",
        seed: int = 0,
        generations: int = 6,
        fade: float = 0.25,
        stopped: str | None = None,
        planned: int | None = None,
        policy: Policy | None = None,
        generator: str = "vae:latent=8",
        data: str = "digits",
        details: tuple[str, ...] = ("in digits", "400 measured"),
    ) -> LoopRecord:
        """One arm: `fade` is how fast recall and spread go a generation, 0 for a null arm."""
        policy = policy or preset(name).policy(500)
        fade = 0.0 if arm == "null" else fade
        rounds = tuple(self._round(arm, policy, seed, number, fade) for number in range(1, generations + 1))
        return LoopRecord(
            run=f"{name}-{arm}-{seed}-{generator}-{data}-{policy.bias:g}-{'-'.join(details)}-{generations}",
            arm=arm,
            name=name,
            policy=policy,
            generator=generator,
            data=data,
            setting=f"{generator} {data} {' '.join(details)}",
            course=repr(policy),
            details=details,
            seed=seed,
            planned=planned or generations,
            reference=self._reference(),
            rounds=rounds,
            stopped=stopped,
            blob=self.blobs.__getitem__,
        )

    def _round(self, arm: Arm, policy: Policy, seed: int, number: int, fade: float) -> Round:
        lines = np.random.default_rng([seed, number, arm == "null"])
        left = exp(-fade * (number - 1))
        counts = policy.counts(1 if arm == "null" else number)
        shown = None
        if self.kind == "pictures":
            data = sheet(left, number)
            shown = sha256(data).hexdigest()
            self.blobs[shown] = data
        return Round(
            generation=number,
            **counts._asdict(),
            trained_on=counts.total,
            ancestry=1.0 if arm == "null" else left,
            model=f"{number:064x}",
            shown=shown,
            measured=self._measured(left, lines),
            seconds={"draw": 0.1, "fit": 3.0, "measure": 0.2, "store": 0.05},
        )

    def _measured(self, left: float, lines: np.random.Generator) -> Measured:
        def near(value: float, spread: float, floor: float | None = None) -> Reading:
            return Reading(value=value + float(lines.normal()) * spread, floor=floor)

        return Measured(
            readings={
                "frechet": near(2 + 40 * (1 - left), 0.4, 1.2),
                "precision": near(0.72 + 0.1 * (1 - left), 0.02, 0.78),
                "recall": near(0.71 * left, 0.015, 0.76),
                "density": near(0.9, 0.03, 1.0),
                "coverage": near(0.8 * left, 0.02, 0.9),
                "vendi": near(24 * left + 1, 0.5, 27),
                "spread": near(left**2, 0.02, 1.0),
                "authenticity": near(0.83, 0.02),
            },
            modes={
                mode: Reading(value=min(1.0, 0.7 * left ** (1 + 2 * place)), floor=0.75)
                for place, mode in enumerate(MODES if self.kind == "pictures" else ())
            },
            spectrum=tuple(float(exp(-0.2 * k) * left ** (1 + k / 4)) for k in range(24)),
            projection=tuple(map(tuple, cloud(lines, sqrt(left)).tolist())) if self.kind != "line" else (),
            histogram=bell(left) if self.kind == "line" else (),
        )

    def _reference(self) -> Reference:
        lines = np.random.default_rng(7)
        return Reference(
            features="digits" if self.kind == "pictures" else "numbers",
            count=400,
            spectrum=tuple(float(exp(-0.2 * k)) for k in range(24)),
            projection=tuple(map(tuple, cloud(lines, 1.0).tolist())) if self.kind != "line" else (),
            edges=EDGES if self.kind == "line" else (),
            histogram=bell(1.0) if self.kind == "line" else (),
        )


def compared(kind: str = "pictures") -> list[LoopRecord]:
    """Two policies with three seeds and a null arm of five restarts; one seed of the first is stopped."""
    loops = Loops(kind)
    fresh = {"name": "fresh-data", "fade": 0.03}
    return [
        *(loops.record(seed=seed) for seed in (0, 1)),
        loops.record(seed=2, generations=3, planned=6, stopped="the loss of step 120 is not finite"),
        *(loops.record(seed=seed, **fresh) for seed in (0, 1, 2)),  # type: ignore[arg-type]
        loops.record("null", generations=5),
    ]


def sheet(left: float, number: int, tiles: int = 8, side: int = 12) -> bytes:
    """A sheet of blots that shrink and grow alike as less is left of the first generation."""
    grid = np.zeros((tiles * side, tiles * side), dtype=np.uint8)
    across, up = np.meshgrid(np.arange(side), np.arange(side))
    for place in range(tiles * tiles):
        lines = np.random.default_rng(place)
        x, y = side / 2 + (lines.uniform(-3, 3, 2)) * left
        radius = 1.5 + left * lines.uniform(0.5, 3)
        blot = 255 * np.exp(-((across - x) ** 2 + (up - y) ** 2) / radius**2)
        row, column = divmod(place, tiles)
        grid[row * side : (row + 1) * side, column * side : (column + 1) * side] = blot
    grid[0, 0] = number  # no two sheets are the same bytes
    buffer = BytesIO()
    Image.fromarray(grid).save(buffer, "PNG")
    return buffer.getvalue()


def cloud(lines: np.random.Generator, scale: float, count: int = 200) -> np.ndarray:
    """Three lumps on two axes, drawn together by `scale`."""
    middles = np.array([(-2.0, 0.0), (1.5, 1.2), (1.0, -1.4)])
    return np.round((middles[lines.integers(3, size=count)] + lines.normal(size=(count, 2)) * 0.6) * scale, 4)


def bell(left: float) -> tuple[float, ...]:
    """The density of a normal law with variance `left` in the bins."""
    middles = (np.array(EDGES[:-1]) + np.array(EDGES[1:])) / 2
    return tuple((np.exp(-(middles**2) / (2 * left)) / sqrt(2 * np.pi * left)).tolist())

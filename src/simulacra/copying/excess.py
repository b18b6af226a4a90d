"""Excess drift: how much further a chain went than the same chain goes with the model taken out.

The chain with the model taken out is the copier's baseline: its own resizing, where it resizes; nothing at all, where
it does not, and nothing drifts by exactly zero. The codec control is no part of it: it shows what handing pictures over
as JPEG would add, and no chain here is handed over as JPEG.

Every drift is counted so that 0 is the original and more is further from it. Drift and excess are taken picture by
picture; a mean over pictures has the picture as its unit, because copies of one picture say little about the next.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, hypot, radians, sin, sqrt
from statistics import fmean

import numpy as np

from simulacra.copiers import make
from simulacra.copying.dynamics.distributions import student_cdf, student_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level
from simulacra.copying.dynamics.series import Floats
from simulacra.copying.result import Chain
from simulacra.copying.settled import frame_at, value_at
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined, Value

Size = tuple[int, int]
"""Width and height of a picture in pixels."""


@dataclass(frozen=True)
class Yardstick:
    """One drift: what it is made of, and how it is read."""

    channel: str
    name: str  # states the protocol, as the name of a measure does
    title: str  # what a reader calls it
    unit: str  # "1" for a pure number
    measures: tuple[str, ...]  # against frame 0
    drift: Callable[[Sequence[float], Size], float]  # of the measures' values, for a picture of that size
    definition: str


def _displacement(values: Sequence[float], size: Size) -> float:
    """The root mean square over the picture of how far its content moved, in per cent of the longer side."""
    shift_x, shift_y, zoom, rotation, squash = values
    width, height = size
    wide, tall = zoom * sqrt(squash), zoom / sqrt(squash)
    turn = radians(rotation)
    # The mean of |A p + t - p|^2 over a rectangle about its centre, where each coordinate has variance side^2 / 12.
    across = (cos(turn) * wide - 1) ** 2 + (sin(turn) * wide) ** 2
    down = (sin(turn) * tall) ** 2 + (cos(turn) * tall - 1) ** 2
    spread = (across * width**2 + down * height**2) / 12
    return 100 * sqrt(hypot(shift_x, shift_y) ** 2 + spread) / max(size)


YARDSTICKS = (
    Yardstick(
        "colour",
        "delta_e00_pixel_mean",
        "Colour difference",
        "ΔE00",
        ("delta_e00_pixel_mean",),
        lambda values, size: values[0],
        "CIEDE2000 from frame 0, the mean over pixels; about 1 is just visible.",
    ),
    Yardstick(
        "structure",
        "ssim_lost",
        "Structure lost",
        "1 − SSIM",
        ("ssim",),
        lambda values, size: 1 - values[0],
        "One minus the structural similarity to frame 0: 0 is equal, 1 has nothing in common.",
    ),
    Yardstick(
        "geometry",
        "displacement_rms",
        "Content moved",
        "% of a side",
        ("shift_x", "shift_y", "zoom", "rotation", "squash"),
        _displacement,
        "How far the content moved by shift, zoom, turn and squash: the root mean square over the picture, in per cent "
        "of its longer side.",
    ),
    Yardstick(
        "face",
        "identity_distance",
        "Identity distance",
        "1",
        ("identity_distance",),
        lambda values, size: values[0],
        "Distance between descriptors of the face; above about 0.6 the network takes it for another person.",
    ),
    Yardstick(
        "perception",
        "stlpips_alex",
        "Perceptual distance",
        "1",
        ("stlpips_alex",),
        lambda values, size: values[0],
        "ST-LPIPS from frame 0: how different a trained network finds the two.",
    ),
)
"""One drift a channel, in the order of tables; channels are never blended into one score."""


def drift(chain: Chain, yardstick: Yardstick, copy: int, size: Size) -> Value:
    """How far a copy is from frame 0.

    Args:
        chain: whose copy.
        yardstick: how far in what.
        copy: its number; a settled chain has every copy.
        size: of the chain's frames.

    Returns:
        The drift, or why there is none: a measure is undefined there, or no such copy was made.
    """
    if frame_at(chain, copy) is None:
        return Undefined(f"copy {len(chain.frames)} was refused: {chain.ending.message.rstrip('.')}")
    numbers = []
    for measure in yardstick.measures:
        value = value_at(chain, "origin", measure, copy)
        if value is None:
            return Undefined(f"{measure} was not measured")
        if isinstance(value, Undefined):
            return value
        numbers.append(value)
    return yardstick.drift(numbers, size)


def baseline(chain: Chain, controls: Sequence[Chain]) -> Chain | Undefined | None:
    """The control chain that does all a copier does but its model.

    Args:
        chain: of the copier.
        controls: those of the same run and picture.

    Returns:
        The chain of the copier's own resizing; None where it resizes nothing, so that nothing is to be taken off; or
        why that is not known.
    """
    try:
        path = make(chain.copier).resize_path()
        resizing = None if path is None else make(path).specification
    except UserError:
        return Undefined(f"copier {chain.copier} cannot be made here, so its resizing is not known")
    if resizing is None:
        return None
    found = next((control for control in controls if control.copier == resizing), None)
    return found or Undefined(
        f"the run has no control {resizing}, the copier's own resizing; make it with its controls"
    )


def excess(
    chains: Sequence[Chain], beside: Chain | Undefined | None, yardstick: Yardstick, copy: int, size: Size
) -> Value:
    """The drift of one picture beyond its baseline, averaged over replicates.

    Args:
        chains: the replicates.
        beside: their baseline, as `baseline` gives it.
        yardstick: drift in what.
        copy: the copy at which both are read.
        size: of the frames.

    Returns:
        The difference, negative where the model keeps more than its resizing alone; or why there is none.
    """
    far = mean_drift(chains, yardstick, copy, size)
    if isinstance(far, Undefined):
        return far
    taken_off = (
        0.0 if beside is None else beside if isinstance(beside, Undefined) else drift(beside, yardstick, copy, size)
    )
    return taken_off if isinstance(taken_off, Undefined) else far - taken_off


def mean_drift(chains: Sequence[Chain], yardstick: Yardstick, copy: int, size: Size) -> Value:
    """The drift of a picture, averaged over replicates; undefined as soon as one of them is: those went furthest."""
    values = [drift(chain, yardstick, copy, size) for chain in chains]
    lost = [value for value in values if isinstance(value, Undefined)]
    if lost:
        several = f"in {len(lost)} of {len(values)} replicates: " if len(values) > 1 else ""
        return Undefined(f"{several}{lost[0].reason}")
    return fmean(value for value in values if not isinstance(value, Undefined))


def over_pictures(values: Sequence[Value], level: float = LEVEL) -> Estimate:
    """The mean over pictures with Student's interval for pictures like these; pictures without a value are left out.

    Args:
        values: one a picture.
        level: the rate of the interval.

    Raises:
        UserError: the level is not between 0 and 1.
    """
    check_level(level)
    numbers = np.array([value for value in values if not isinstance(value, Undefined)], dtype=np.float64)
    if not len(numbers):
        reason = next((value for value in values if isinstance(value, Undefined)), Undefined("there is no picture"))
        return Estimate(reason, reason)
    mean = float(numbers.mean())
    if len(numbers) == 1:
        return Estimate(mean, Undefined("one picture does not tell how another would fare"))
    reach = student_quantile((1 + level) / 2, len(numbers) - 1) * float(numbers.std(ddof=1)) / sqrt(len(numbers))
    method = f"Student over {len(numbers)} pictures"
    return Estimate(mean, Interval(mean - reach, mean + reach, level, method))


def ranks(table: Mapping[int, Sequence[Value]], level: float = LEVEL) -> dict[int, tuple[int, int]]:
    """The places that competitors can have, least drift first, as far as the pictures tell them apart.

    Two are told apart where their difference, picture by picture, is not zero by Student's paired test. Of all such
    orders of two, at most 1 - level are expected to be wrong (Benjamini and Hochberg 1995; for all pairs of a table,
    Williams, Jones and Tukey 1999). A competitor's place lies between one more than the number of those shown to drift
    less, and the number of those not shown to drift more.

    Args:
        table: competitor -> its values, one a picture, pictures in the same order.
        level: how sure the order is.

    Returns:
        competitor -> (best place, worst place), 1 for the least drift; whoever has no value has no place.

    Raises:
        UserError: the level is not between 0 and 1.
    """
    check_level(level)
    rows = {who: _row(values) for who, values in table.items()}
    placed = [who for who, row in rows.items() if not np.isnan(row).all()]
    pairs = [(one, other) for index, one in enumerate(placed) for other in placed[index + 1 :]]
    tests = sorted((_paired(rows[one] - rows[other]), one, other) for one, other in pairs)
    passed = [step for step, ((p_value, _), _, _) in enumerate(tests, 1) if p_value <= (1 - level) * step / len(tests)]
    less: dict[int, int] = dict.fromkeys(placed, 0)  # competitors shown to drift less
    more: dict[int, int] = dict.fromkeys(placed, 0)
    for (_, mean), one, other in tests[: max(passed, default=0)]:
        nearer, further = (one, other) if mean < 0 else (other, one)
        less[further] += 1
        more[nearer] += 1
    return {who: (1 + less[who], len(placed) - more[who]) for who in placed}


def _row(values: Sequence[Value]) -> Floats:
    return np.array([np.nan if isinstance(value, Undefined) else value for value in values], dtype=np.float64)


def _paired(differences: Floats) -> tuple[float, float]:
    """The two-sided p-value of a mean difference of zero, and the mean, over pictures that both have."""
    known = differences[~np.isnan(differences)]
    if len(known) < 2:
        return 1.0, 0.0
    mean, error = float(known.mean()), float(known.std(ddof=1)) / sqrt(len(known))
    if error == 0:
        return (1.0 if mean == 0 else 0.0), mean
    return 2 * float(student_cdf(np.array(-abs(mean) / error), len(known) - 1)), mean

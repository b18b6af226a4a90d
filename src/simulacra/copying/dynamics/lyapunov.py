"""Finite-time Lyapunov exponent: does a copier forget a small difference between two pictures, or does it grow?

Twin chains start a small difference apart and are copied with the same seeds, so that only the difference tells them
apart. Per copy, the difference shrinks (negative exponent, the start is forgotten) or grows (positive, it is amplified)
by exp(exponent). The pictures stay floats and the difference is brought back to its size after every copy (Benettin et
al. 1980), so that neither 8-bit rounding nor saturation ends it. What rounding does to it is told by stored chains.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, log, sqrt

import numpy as np
import torch
from torch import Tensor

from simulacra.copiers.contract import Copier, Determinism
from simulacra.copying.dynamics.distributions import student_quantile
from simulacra.copying.dynamics.estimate import LEVEL, Estimate, Interval, check_level
from simulacra.copying.dynamics.series import Floats, Series, floats
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined, Value
from simulacra.seeds import derive_seed

FEWEST = 2
"""Twins below which there is no interval."""

_STRETCHES = 5  # few, so that neighbouring ones are nearly independent


@dataclass(frozen=True)
class Lyapunov:
    """The mean exponent of twins, per copy, in natural logarithms."""

    exponent: Estimate
    twins: tuple[Value, ...]  # of each twin
    copies: int  # the longest a twin was followed


def lyapunov(
    copier: Copier,
    picture: Tensor,
    copies: int = 30,
    turning: int = 10,
    twins: int = 4,
    size: float = 1e-3,
    level: float = LEVEL,
    seed: int = 0,
) -> Lyapunov:
    """The exponent of a copier along the chain from one picture.

    The interval spans how far the exponent depends on the difference, and on the stretch of the chain; it does not tell
    what another picture would give. A chain that settles has an exponent that changes on the way, and a wide interval.

    Args:
        copier: any copier that answers alike when asked alike.
        picture: shape (1, 3, H, W), float32 in [0, 1].
        copies: how many are counted.
        turning: how many are made before these; in them a random difference turns to what the copier changes most.
        twins: number of differences, each followed beside the same chain.
        size: root mean square of a difference, in units of the picture's range; a copier that rounds to 8 bits inside
            needs 0.01 or more.
        level: the rate of the interval.
        seed: of the differences and of the copier.

    Returns:
        The exponent; a twin whose difference the copier rounds away has none, and says at which copy.

    Raises:
        UserError: the copier answers differently when asked again, a number is out of range, or the level is none.

    Source: Benettin, Galgani, Giorgilli and Strelcyn 1980.
    """
    check_level(level)
    if copier.determinism is Determinism.NEVER:
        raise UserError(
            f"copier {copier.specification} answers differently when asked again, so twins differ by more than their "
            "start; choose a copier whose determinism is not never"
        )
    for name, count, least in (("copies", copies, 1), ("turning", turning, 0), ("twins", twins, 1)):
        if count < least:
            raise UserError(f"{name} is {count}; it must be {least} or more")
    if not 0 < size <= 0.5:
        raise UserError(f"size is {size}; it must lie above 0 and be at most 0.5 of the picture's range")
    generator = torch.Generator().manual_seed(derive_seed(seed, "twins"))
    base = picture.float()
    drawn = torch.randn((twins, *base.shape[1:]), generator=generator).to(base.device)
    others, sizes = _apart(base, drawn, size)
    rates, ended = np.zeros((copies, twins)), [0] * twins
    with torch.no_grad():
        for step in range(1, turning + copies + 1):
            seeds = [derive_seed(seed, "copy", step)] * (twins + 1)
            made, _ = copier.copy(torch.cat([base, others]), seeds, step)
            base, differences = made[:1], made[1:] - made[:1]
            grown = _size(differences)
            for twin in np.flatnonzero([end == 0 for end in ended]):
                if grown[twin] == 0 or sizes[twin] == 0:
                    ended[twin] = step
                elif step > turning:
                    rates[step - turning - 1, twin] = log(grown[twin] / sizes[twin])
            others, sizes = _apart(base, differences, size)
    values: list[Value] = [
        Undefined(f"the twins became equal at copy {end}; try a larger size than {size:g}") if end else float(mean)
        for mean, end in zip(rates.mean(0), ended, strict=True)
    ]
    along = rates[:, [end == 0 for end in ended]]
    return Lyapunov(_with_stretches(_over_twins(values, level), along, level), tuple(values), copies)


def lyapunov_of_chains(distances: Sequence[Series], ceiling: float = inf, level: float = LEVEL) -> Lyapunov:
    """The exponent that stored 8-bit chains show: rounding takes part, as it does in what people hand on.

    A twin is followed until its frames become equal or differ by the ceiling; from there its distance tells nothing of
    small differences.

    Args:
        distances: of each pair of twins, the root mean square difference of frame k of both, by frame, frame 0 first.
        ceiling: a distance from which twins count as unrelated, such as the chain's own drift.
        level: the rate of the interval.

    Raises:
        UserError: a value is not finite, or the level is not between 0 and 1.
    """
    check_level(level)
    followed = [_followed(floats(twin), ceiling) for twin in distances]
    return Lyapunov(
        _over_twins([value for value, _ in followed], level),
        tuple(value for value, _ in followed),
        max((copies for _, copies in followed), default=0),
    )


def _followed(apart: Floats, ceiling: float) -> tuple[Value, int]:
    if len(apart) == 0 or not apart[0] > 0:
        return Undefined("the twins start equal, or their first frame has no distance"), 0
    over = np.flatnonzero(~(apart > 0) | (apart >= ceiling))
    last = int(over[0]) - 1 if len(over) else len(apart) - 1
    if last < 1:
        return Undefined("the twins are equal, unrelated or not measured at their first copy"), 0
    return log(apart[last] / apart[0]) / last, last


def _apart(base: Tensor, differences: Tensor, size: float) -> tuple[Tensor, Floats]:
    """Pictures that differ from the base in these directions by `size`, and by how much they really do.

    A value that would leave [0, 1] is mirrored to the other side, which keeps its size where it fits.
    """
    lengths = torch.as_tensor(_size(differences)).clamp(min=1e-30).to(base)
    steps = differences * (size / lengths)[:, None, None, None]
    outside = (base + steps < 0) | (base + steps > 1)
    others = (base + torch.where(outside, -steps, steps)).clamp(0, 1)
    return others, _size(others - base)


def _size(differences: Tensor) -> Floats:
    return np.asarray(differences.double().square().mean((1, 2, 3)).sqrt().cpu().numpy())


def _over_twins(values: Sequence[Value], level: float) -> Estimate:
    known = [value for value in values if not isinstance(value, Undefined)]
    if not known:
        reason = next((value.reason for value in values if isinstance(value, Undefined)), "there are no twins")
        return Estimate(Undefined(reason), Undefined(reason))
    mean, count = float(np.mean(known)), len(known)
    if count < FEWEST:
        return Estimate(mean, Undefined(f"{count} pair of twins; {FEWEST} are the fewest that show how they scatter"))
    reach = _reach(np.array(known), level)
    return Estimate(mean, Interval(mean - reach, mean + reach, level, f"Student over {count} differences"))


def _with_stretches(estimate: Estimate, rates: Floats, level: float) -> Estimate:
    """The estimate with its interval widened to that of the means over stretches of the chain (batch means).

    Args:
        estimate: over twins.
        rates: growth by copy and twin, shape (K, P).
        level: the rate of the interval.
    """
    if isinstance(estimate.value, Undefined) or isinstance(estimate.interval, Undefined) or len(rates) < 2 * _STRETCHES:
        return estimate
    stretches = np.array([part.mean() for part in np.array_split(rates, _STRETCHES)])
    reach = max(estimate.interval.high - estimate.value, _reach(stretches, level))
    method = f"Student over {rates.shape[1]} differences and over {_STRETCHES} stretches, the wider"
    return Estimate(estimate.value, Interval(estimate.value - reach, estimate.value + reach, level, method))


def _reach(values: Floats, level: float) -> float:
    return student_quantile((1 + level) / 2, len(values) - 1) * float(values.std(ddof=1)) / sqrt(len(values))

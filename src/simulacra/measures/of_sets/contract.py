"""What a number about two sets carries: its protocol, the counts of both sides, the features, the seed, the floor."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better, Value

ROWS = 256
"""Pictures whose features are converted at once."""


@dataclass(frozen=True)
class SetMeasure:
    """What one number about two sets means."""

    stem: str  # its part of the name that states the protocol: "precision_k5"
    better: Better  # for the generated set
    definition: str  # one sentence
    source: str  # paper or equation


@dataclass(frozen=True)
class SetValue:
    """One number about two sets, with everything needed to compare it with another."""

    name: str  # measure, features and counts: "frechet_effnetlite0_10k"
    value: Value
    better: Better
    real: int  # pictures compared
    generated: int
    features: str  # identity of the features, see `Features.identity`
    seed: int | None = None  # of the subsets drawn; None where nothing is drawn
    deviation: float | None = None  # standard deviation over the subsets drawn
    floor: Value | None = None  # its mean for two such sets of one distribution; None where no closed form is known


def value_name(stem: str, features: str, real: int, generated: int) -> str:
    """The full name of a value: `precision_k5_effnetlite0_10k`, or `..._70k_10k` for 70,000 real ones."""
    counts = (real,) if real == generated else (real, generated)
    return "_".join([stem, features, *map(_short, counts)])


def checked(*, real: Tensor, generated: Tensor, least: int = 2) -> None:
    """Refuse features that cannot be compared.

    Args:
        real: features of the real pictures, shape (N, D), float32 or float64.
        generated: features of the generated pictures, shape (M, D), float32 or float64.
        least: pictures needed on each side.

    Raises:
        UserError: a shape or dtype is wrong, the dimensions differ, a set is too small, a number is not finite.
    """
    checked_set(real, "real", least)
    checked_set(generated, "generated", least)
    if real.shape[1] != generated.shape[1]:
        raise UserError(
            f"the real features have {real.shape[1]} numbers a picture and the generated ones {generated.shape[1]}; "
            "extract both with the same features"
        )


def checked_set(features: Tensor, side: str, least: int = 2) -> None:
    """Refuse features that no measure can take; `side` names the set in the error.

    Raises:
        UserError: the shape or dtype is wrong, there are fewer than `least` pictures, a number is not finite.
    """
    if features.ndim != 2 or features.dtype not in (torch.float32, torch.float64) or not features.shape[1]:
        kind = f"{str(features.dtype).removeprefix('torch.')} of shape {tuple(features.shape)}"
        raise UserError(f"the {side} features are {kind}; give float32 or float64 of shape (pictures, numbers)")
    if len(features) < least:
        raise UserError(f"the {side} set has {len(features)} pictures; this measure needs {least} or more")
    rows = features.detach().cpu().numpy()
    finite = np.concatenate([np.isfinite(rows[at : at + ROWS]).all(axis=1) for at in range(0, len(rows), ROWS)])
    if not finite.all():
        broken = np.flatnonzero(~finite)
        raise UserError(
            f"the {side} features of {len(broken)} pictures are not finite, the first at index {broken[0]}; "
            "mend these pictures or leave them out"
        )


def total(features: Tensor) -> Tensor:
    """The sum over pictures in float64, shape (D,); numpy casts as it adds, without a copy of all features."""
    return torch.from_numpy(features.detach().cpu().numpy().sum(axis=0, dtype=np.float64))


def _short(count: int) -> str:
    return f"{count // 1000}k" if count >= 1000 and count % 1000 == 0 else str(count)

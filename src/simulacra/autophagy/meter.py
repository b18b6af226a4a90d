"""The lambda meter: the effective sampling bias of any sampler or filter, on one scale.

A truncation of 0.7, a guidance of 2 and the best half by a judge are different knobs. What they have in common is what
they leave of the spread: lambda = tr Cov(biased samples) / tr Cov(unbiased samples), in some features.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.seeds import derive_seed

_DRAWS = 400
"""Resamples behind the interval."""


@dataclass(frozen=True)
class Measured:
    """An effective sampling bias."""

    value: float  # above 1 where the sampler spreads more than the unbiased one
    low: float
    high: float
    biased: int  # samples on each side
    unbiased: int


def measured_bias(*, biased: Tensor, unbiased: Tensor, seed: int, level: float = 0.95) -> Measured:
    """Measure lambda of a sampler or a filter.

    Args:
        biased: features of what it gives, or of what it keeps, shape (N, D), N of 2 or more.
        unbiased: features of samples without it, shape (M, D), M of 2 or more. They may be those it chose from.
        seed: of the bootstrap.
        level: the rate at which the interval holds the truth, between 0 and 1; bootstrap of the logarithm with both
            sides drawn apart, so that samples that are in both make it a little too wide.

    Returns:
        The ratio of the traces of the unbiased covariances, with its interval.

    Raises:
        UserError: the features cannot be compared, or the unbiased ones do not scatter.
    """
    for name, features in (("biased", biased), ("unbiased", unbiased)):
        if features.ndim != 2 or len(features) < 2 or not features.is_floating_point():
            raise UserError(
                f"the {name} features are {features.dtype} of shape {tuple(features.shape)}; give floats of shape "
                "(samples, numbers), two samples or more"
            )
        if not torch.isfinite(features).all():
            raise UserError(
                f"the {name} features hold numbers that are not finite; mend these samples or leave them out"
            )
    if biased.shape[1] != unbiased.shape[1]:
        raise UserError(
            f"the biased features have {biased.shape[1]} numbers a sample and the unbiased ones {unbiased.shape[1]}; "
            "extract both with the same features"
        )
    if not 0 < level < 1:
        raise UserError(f"level is {level:g}; it must be between 0 and 1")
    spreads = [_Spread(features.double()) for features in (biased, unbiased)]
    if spreads[1].trace == 0:
        raise UserError("the unbiased samples are all equal; lambda is a share of their spread, so give others")
    value = spreads[0].trace / spreads[1].trace
    if value == 0:
        return Measured(0.0, 0.0, 0.0, len(biased), len(unbiased))
    generator = torch.Generator().manual_seed(derive_seed(seed, "lambda-meter"))
    logs = (spreads[0].resampled(generator) / spreads[1].resampled(generator)).log()
    reach = float(logs.std()) * float(torch.special.ndtri(torch.tensor((1 + level) / 2, dtype=torch.float64)))
    scale = torch.tensor(reach, dtype=torch.float64).exp()
    return Measured(value, value / float(scale), value * float(scale), len(biased), len(unbiased))


class _Spread:
    """The trace of an unbiased covariance, and what it is in resamples."""

    def __init__(self, features: Tensor) -> None:
        self.centred = features - features.mean(0)
        self.squares = self.centred.square().sum(1)
        self.trace = float(self.squares.sum()) / (len(features) - 1)

    def resampled(self, generator: torch.Generator) -> Tensor:
        """Traces of bootstrap draws, shape (draws,)."""
        count = len(self.centred)
        traces = []
        for _ in range(_DRAWS):
            chosen = torch.randint(count, (count,), generator=generator)
            times = torch.bincount(chosen, minlength=count).double()
            shift = times @ self.centred / count
            traces.append((times @ self.squares / count - shift @ shift) * count / (count - 1))
        return torch.stack(traces).clamp(min=self.trace * torch.finfo(torch.float64).eps)

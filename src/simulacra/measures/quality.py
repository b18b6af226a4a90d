"""The quality channel: scores that look at a frame alone, shown being fooled.

Such scores need no original, so people use them to ask whether a picture is good, and each calls a higher value better.
A chain shows what they cannot see: they rise while copy after copy loses the person in the picture. None of them says
how far a frame has drifted, and no direction of theirs is less drift.
"""

from collections.abc import Callable
from math import isnan, log, pi, sqrt
from typing import ClassVar

import torch
from torch import Tensor

from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value
from simulacra.measures.filters import Kernel, correlate
from simulacra.measures.grey import luma

BLUR_WINDOW: Kernel = (1 / 9,) * 9
"""The strong blur of Crété et al. 2007, equation 1."""

SMALLEST = {"sharpness_crete": len(BLUR_WINDOW) + 1, "sharpness_tenengrad": 3, "signal_to_noise_immerkaer": 3}
"""Measure -> pixels: with a shorter side it has no value."""

_SMOOTH: Kernel = (1 / 4, 1 / 2, 1 / 4)
_SLOPE: Kernel = (-1 / 2, 0, 1 / 2)
_BEND: Kernel = (1, -2, 1)


def _score(name: str, unit: str, definition: str, source: str) -> Measure:
    return Measure(name, unit, Against.NOTHING, Better.NEITHER, definition, source)


class Quality(Channel):
    """Five classical no-reference scores, from sharpness to colourfulness."""

    name = "quality"
    measures: ClassVar[tuple[Measure, ...]] = (
        _score(
            "sharpness_crete",
            "1",
            "1 minus the blur effect: the share of the differences between neighbours of grey that a blur of 9 px "
            "takes away, the smaller of both axes; higher is called sharper.",
            "Crété, Dolmiere, Ladret and Nicolas 2007, The Blur Effect",
        ),
        _score(
            "sharpness_tenengrad",
            "1",
            "Mean squared Sobel gradient of grey in [0, 1], border left out; higher is called sharper.",
            "Tenenbaum 1970; Krotkov 1987, Focusing",
        ),
        _score(
            "colourfulness",
            "1",
            "M3: spread plus 0.3 times the distance from grey, of R - G and (R + G) / 2 - B on the scale 0 to 255; "
            "higher is called more colourful: 15 slightly, 109 extremely.",
            "Hasler and Süsstrunk 2003, Measuring Colourfulness in Natural Images",
        ),
        _score(
            "signal_to_noise_immerkaer",
            "dB",
            "20 log10 of 1 over the standard deviation of white noise in grey, estimated by the mean magnitude of the "
            "difference of two Laplacians; higher is called cleaner. Fine texture counts as noise.",
            "Immerkær 1996, Fast Noise Variance Estimation",
        ),
        _score(
            "entropy_grey",
            "bit",
            "Entropy of the histogram of grey in 256 levels, 0 to 8; higher is called richer.",
            "Shannon 1948, theorem 2",
        ),
    )

    def prepare(self, pictures: Tensor) -> Features:
        """The five scores of each picture; NaN where it is too small or flat."""
        grey = luma(pictures)
        shortest = min(grey.shape[-2:])
        features: Features = {"shortest": torch.full((len(grey),), shortest)}
        for name, score in _OF_GREY.items():
            enough = shortest >= SMALLEST.get(name, 1)
            features[name] = score(grey) if enough else torch.full((len(grey),), torch.nan, dtype=torch.float64)
        return features | {"colourfulness": _colourfulness(pictures)}

    def describe(self, features: Features) -> Columns:
        """The scores of each frame."""
        shortest = features["shortest"].tolist()
        return {
            measure.name: [
                _value(measure.name, *each) for each in zip(features[measure.name].tolist(), shortest, strict=True)
            ]
            for measure in self.measures
        }

    def compare(self, features: Features, reference: Features) -> Columns:
        """Nothing: these scores know no reference."""
        return {}


def _value(name: str, score: float, shortest: int) -> Value:
    if not isnan(score):
        return score
    smallest = SMALLEST[name]
    if shortest < smallest:
        return Undefined(f"a side of {shortest} px is too small: each side must be {smallest} px or more")
    return Undefined("the picture has no contrast")


def _sharpness(grey: Tensor) -> Tensor:
    """How much a strong blur takes away, shape (N,), float64; the paper's equations 1 to 6."""
    return torch.minimum(_lost_along_rows(grey), _lost_along_rows(grey.transpose(-1, -2).contiguous()))


def _lost_along_rows(grey: Tensor) -> Tensor:
    reach = len(BLUR_WINDOW) // 2
    blurred = correlate(grey, BLUR_WINDOW, -1)  # whole windows only
    sharp, soft = (torch.diff(each).abs_() for each in (grey[..., reach:-reach], blurred))
    total, lost = (each.sum((-2, -1), dtype=torch.float64) for each in (sharp, (sharp - soft).clamp_(min=0)))
    return lost / total  # 0 / 0, which is NaN, where nothing differs


def _tenengrad(grey: Tensor) -> Tensor:
    across = correlate(correlate(grey, _SMOOTH, -2), _SLOPE, -1)
    down = correlate(correlate(grey, _SMOOTH, -1), _SLOPE, -2)
    return (across * across).addcmul_(down, down).mean((-2, -1), dtype=torch.float64)


def _signal_to_noise(grey: Tensor) -> Tensor:
    response = correlate(correlate(grey, _BEND, -2), _BEND, -1)  # 1 -2 1, -2 4 -2, 1 -2 1
    noise = sqrt(pi / 2) / 6 * response.abs_().mean((-2, -1), dtype=torch.float64)
    return -20 * noise.log10().where(noise > 0, torch.nan)


def _entropy(grey: Tensor) -> Tensor:
    levels = (255 * grey).round_().long().flatten(1)  # (N, H W)
    shares = torch.stack([each.bincount(minlength=256) for each in levels]).double() / levels.shape[1]
    return -torch.xlogy(shares, shares).sum(1) / log(2)


def _colourfulness(pictures: Tensor) -> Tensor:
    red, green, blue = (255 * pictures).unbind(1)
    opponents = torch.stack([red - green, (red + green) / 2 - blue], 1)  # (N, 2, H, W)
    mean = opponents.mean((-2, -1), dtype=torch.float64)
    variance = (opponents - mean.float()[..., None, None]).square_().mean((-2, -1), dtype=torch.float64)
    return variance.sum(1).sqrt() + 0.3 * mean.square().sum(1).sqrt()


_OF_GREY: dict[str, Callable[[Tensor], Tensor]] = {
    "sharpness_crete": _sharpness,
    "sharpness_tenengrad": _tenengrad,
    "signal_to_noise_immerkaer": _signal_to_noise,
    "entropy_grey": _entropy,
}

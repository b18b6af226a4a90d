"""The colour channel: is the whole picture warming, fading or darkening, and by how much would a person see it?"""

from math import isnan
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from simulacra.images.colour import chroma, delta_e_2000, hue, linear_to_lab, linear_to_xyz, mired_duv, srgb_to_linear
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value

DARKEST_LIGHT = 0.002
"""Luminance (white is 1) below which the colour of the light is not estimated: a grey level of 6 of 255."""

LARGEST_DUV = 0.05
"""Distance from the black body beyond which a colour temperature has no meaning (CIE 15:2004, section 9.5)."""

NEUTRAL_CHROMA = 25.0
"""C* below which a pixel counts as neutral; a strong cast still leaves white paper inside."""

FEWEST_NEUTRALS = 0.01
"""Share of pixels that must be neutral and not clipped before the brightest of them say anything about the light."""

GREYEST_HUE = 1.0
"""C* of a mean colour below which its hue angle is noise."""

_CLIPPED = 254.5 / 255
_CIELAB = "CIE 15:2004, section 8.2.1"
_CIEDE2000 = "Sharma, Wu and Dalal 2005"
_TEMPERATURE = "Robertson 1968; Duv as Ohno 2014"


class Colour(Channel):
    """Means in CIELAB, CIEDE2000, and two estimates of the light.

    A picture has no true white point, so its light is estimated twice from contrary assumptions: that the picture is
    grey on average, and that its brightest neutral pixels are white. Where the two agree the value can be trusted.
    """

    name = "colour"
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "lightness_mean",
            "L*",
            Against.NOTHING,
            Better.NEITHER,
            "Mean L* of all pixels, 0 black to 100 white.",
            _CIELAB,
        ),
        Measure("a_mean", "a*", Against.NOTHING, Better.NEITHER, "Mean a* of all pixels, positive to red.", _CIELAB),
        Measure("b_mean", "b*", Against.NOTHING, Better.NEITHER, "Mean b* of all pixels, positive to yellow.", _CIELAB),
        Measure("chroma_mean", "C*", Against.NOTHING, Better.NEITHER, "Mean C* of all pixels, 0 for greys.", _CIELAB),
        Measure(
            "white_grey_world_mired",
            "mired",
            Against.NOTHING,
            Better.NEITHER,
            "Colour temperature of the mean linear colour, as 10^6 / K; larger is warmer.",
            f"Buchsbaum 1980 (grey world); {_TEMPERATURE}",
        ),
        Measure(
            "white_grey_world_duv",
            "Duv",
            Against.NOTHING,
            Better.NEITHER,
            "Distance of the mean linear colour from the black body in CIE 1960 uv, positive to green.",
            f"Buchsbaum 1980 (grey world); {_TEMPERATURE}",
        ),
        Measure(
            "white_bright_neutral_mired",
            "mired",
            Against.NOTHING,
            Better.NEITHER,
            "Colour temperature of the mean linear colour of the brightest 5 % by L* of the pixels with C* below 25 "
            "and no channel clipped, as 10^6 / K; larger is warmer.",
            f"Land and McCann 1971 (white patch), by percentile; {_TEMPERATURE}",
        ),
        Measure(
            "white_bright_neutral_duv",
            "Duv",
            Against.NOTHING,
            Better.NEITHER,
            "Distance of the mean linear colour of the bright neutral pixels from the black body in CIE 1960 uv, "
            "positive to green.",
            f"Land and McCann 1971 (white patch), by percentile; {_TEMPERATURE}",
        ),
        Measure(
            "delta_lightness_mean",
            "L*",
            Against.REFERENCE,
            Better.NEITHER,
            "Mean L* minus that of the reference.",
            _CIELAB,
        ),
        Measure(
            "delta_a_mean", "a*", Against.REFERENCE, Better.NEITHER, "Mean a* minus that of the reference.", _CIELAB
        ),
        Measure(
            "delta_b_mean", "b*", Against.REFERENCE, Better.NEITHER, "Mean b* minus that of the reference.", _CIELAB
        ),
        Measure(
            "delta_chroma_mean",
            "C*",
            Against.REFERENCE,
            Better.NEITHER,
            "Mean C* minus that of the reference.",
            _CIELAB,
        ),
        Measure(
            "delta_hue_of_mean",
            "°",
            Against.REFERENCE,
            Better.NEITHER,
            "Hue angle of the mean colour minus that of the reference, -180 to 180, positive from red towards yellow.",
            _CIELAB,
        ),
        Measure(
            "delta_e00_pixel_mean",
            "ΔE00",
            Against.REFERENCE,
            Better.LOWER,
            "Mean over pixels of CIEDE2000.",
            _CIEDE2000,
        ),
        Measure(
            "delta_e00_pixel_p95",
            "ΔE00",
            Against.REFERENCE,
            Better.LOWER,
            "95th percentile over pixels of CIEDE2000, linear between ranks.",
            _CIEDE2000,
        ),
        Measure(
            "delta_e00_of_mean",
            "ΔE00",
            Against.REFERENCE,
            Better.LOWER,
            "CIEDE2000 of the two mean CIELAB colours; needs no alignment.",
            _CIEDE2000,
        ),
        Measure(
            "delta_white_grey_world_mired",
            "mired",
            Against.REFERENCE,
            Better.NEITHER,
            "white_grey_world_mired minus that of the reference.",
            _TEMPERATURE,
        ),
        Measure(
            "delta_white_bright_neutral_mired",
            "mired",
            Against.REFERENCE,
            Better.NEITHER,
            "white_bright_neutral_mired minus that of the reference.",
            _TEMPERATURE,
        ),
    )

    def prepare(self, pictures: Tensor) -> Features:
        """CIELAB by pixel, its means, and the two estimates of the light as XYZ."""
        linear = srgb_to_linear(pictures)
        lab = linear_to_lab(linear)
        saturation = chroma(lab)
        lights = torch.stack(
            [linear.mean((-2, -1), dtype=torch.float64), _bright_neutral(pictures, lab, saturation)], 1
        )
        return {
            "lab": lab,  # (N, 3, H, W)
            "mean": lab.mean((-2, -1), dtype=torch.float64),  # (N, 3)
            "chroma": saturation.mean((-2, -1), dtype=torch.float64),  # (N,)
            "light": linear_to_xyz(lights.mT[..., None]).squeeze(-1).mT,  # (N, 2, 3), NaN without bright neutral pixels
        }

    def describe(self, features: Features) -> Columns:
        """Means and lights of each frame."""
        lightness, a, b = features["mean"].unbind(1)
        grey_world, bright_neutral = (_lights(each) for each in features["light"].unbind(1))
        return {
            "lightness_mean": lightness.tolist(),
            "a_mean": a.tolist(),
            "b_mean": b.tolist(),
            "chroma_mean": features["chroma"].tolist(),
            "white_grey_world_mired": [mired for mired, _ in grey_world],
            "white_grey_world_duv": [duv for _, duv in grey_world],
            "white_bright_neutral_mired": [mired for mired, _ in bright_neutral],
            "white_bright_neutral_duv": [duv for _, duv in bright_neutral],
        }

    def compare(self, features: Features, reference: Features) -> Columns:
        """Differences of the means and lights, and CIEDE2000."""
        count = len(features["mean"])
        lightness, a, b = (features["mean"] - reference["mean"]).unbind(1)
        by_pixel = delta_e_2000(features["lab"], reference["lab"])
        mean, before = features["mean"][..., None, None], reference["mean"].expand(count, 3)[..., None, None]
        lights = [
            [
                _minus(now, then)
                for (now, _), (then, _) in zip(
                    _lights(features["light"][:, i]), _lights(reference["light"][:, i].expand(count, 3)), strict=True
                )
            ]
            for i in range(2)
        ]
        return {
            "delta_lightness_mean": lightness.tolist(),
            "delta_a_mean": a.tolist(),
            "delta_b_mean": b.tolist(),
            "delta_chroma_mean": (features["chroma"] - reference["chroma"]).tolist(),
            "delta_hue_of_mean": _turns(mean, before),
            "delta_e00_pixel_mean": by_pixel.mean((-2, -1), dtype=torch.float64).tolist(),
            "delta_e00_pixel_p95": [_percentile(each, 0.95) for each in by_pixel],
            "delta_e00_of_mean": delta_e_2000(mean, before).flatten().tolist(),
            "delta_white_grey_world_mired": lights[0],
            "delta_white_bright_neutral_mired": lights[1],
        }


def _bright_neutral(pictures: Tensor, lab: Tensor, saturation: Tensor) -> Tensor:
    """Mean linear colour of the brightest 5 % of the neutral pixels, shape (N, 3), float64; NaN where they are few."""
    colours = []
    usable = (pictures.amax(1) < _CLIPPED) & (saturation < NEUTRAL_CHROMA)
    for picture, lightness, neutral in zip(pictures, lab[:, 0].numpy(), usable.numpy(), strict=True):
        values = lightness[neutral]
        if len(values) < max(1, FEWEST_NEUTRALS * neutral.size):
            colours.append(torch.full((3,), torch.nan, dtype=torch.float64))
            continue
        rank = int(0.95 * (len(values) - 1))
        bright = torch.from_numpy(neutral & (lightness >= np.partition(values, rank)[rank]))
        colours.append(srgb_to_linear(picture[:, bright]).mean(-1, dtype=torch.float64))
    return torch.stack(colours)


def _lights(xyz: Tensor) -> list[tuple[Value, Value]]:
    """Mired and Duv of estimated lights, shape (N, 3), or why there is none."""
    mired, duv = mired_duv(xyz)
    return [_light(*each) for each in zip(xyz[:, 1].tolist(), mired.tolist(), duv.tolist(), strict=True)]


def _light(luminance: float, mired: float, duv: float) -> tuple[Value, Value]:
    if isnan(luminance):
        none = Undefined("fewer than 1 % of the pixels are neutral and unclipped")
        return none, none
    if luminance < DARKEST_LIGHT:
        dark = Undefined("the picture is too dark to show the colour of its light")
        return dark, dark
    if isnan(mired):
        far = Undefined("the light is not between 0 and 600 mired")
        return far, far
    if abs(duv) > LARGEST_DUV:
        return Undefined(f"the light is no black body's: |Duv| is {abs(duv):.3f}, above {LARGEST_DUV}"), duv
    return mired, duv


def _minus(now: Value, then: Value) -> Value:
    if isinstance(now, Undefined):
        return now
    return Undefined(f"in the reference {then.reason}") if isinstance(then, Undefined) else now - then


def _turns(mean: Tensor, before: Tensor) -> list[Value]:
    """Difference of the hue angles of mean colours, shapes (N, 3, 1, 1)."""
    turn = (hue(mean) - hue(before) + 180).remainder(360) - 180
    least = torch.minimum(chroma(mean), chroma(before))
    grey = Undefined(f"a mean colour is nearly grey: C* below {GREYEST_HUE:g}")
    pairs = zip(turn.flatten().tolist(), least.flatten().tolist(), strict=True)
    return [value if saturation >= GREYEST_HUE else grey for value, saturation in pairs]


def _percentile(values: Tensor, share: float) -> float:
    """The value below which a share lies, linear between ranks. One selection in place of a sort."""
    flat = values.flatten().numpy()
    position = share * (len(flat) - 1)
    rank = int(position)
    parted = np.partition(flat, rank)
    low = float(parted[rank])
    high = float(parted[rank + 1 :].min()) if rank + 1 < len(flat) else low
    return low + (high - low) * (position - rank)

"""The structure channel: is detail lost, invented or moved, by pixel, window, gradient, eye and spectrum?"""

from math import isnan
from typing import ClassVar

import torch
from torch import Tensor

from simulacra.images.colour import srgb_to_linear
from simulacra.measures import flip, gmsd, spectrum, ssim
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined, Value
from simulacra.measures.grey import luma, psnr


class Structure(Channel):
    """SSIM, MS-SSIM, PSNR, GMSD and FLIP of pairs; spectrum and sharpness of single frames."""

    name = "structure"
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure(
            "spectrum_slope",
            "1",
            Against.NOTHING,
            Better.NEITHER,
            "Slope of log power against log frequency of grey, Hann window, rings of equal weight from 1/32 to 0.4 "
            "cycles per pixel; about -2 for photographs, steeper when blurred.",
            "Field 1987",
        ),
        Measure(
            "high_band_energy",
            "1",
            Against.NOTHING,
            Better.NEITHER,
            "Share of the spectrum's power, the mean left out, at 0.25 cycles per pixel and above; grey, Hann window.",
            "Parseval's theorem",
        ),
        Measure(
            "sharpness_laplacian",
            "1",
            Against.NOTHING,
            Better.NEITHER,
            "Variance of the 4-neighbour Laplacian of grey in [0, 1], border left out.",
            "Pech-Pacheco et al. 2000",
        ),
        Measure(
            "ssim",
            "1",
            Against.REFERENCE,
            Better.HIGHER,
            "Mean SSIM of grey, 11 x 11 gaussian window of sigma 1.5, K1 0.01, K2 0.03, range 1, whole windows only.",
            "Wang, Bovik, Sheikh and Simoncelli 2004",
        ),
        Measure(
            "ms_ssim",
            "1",
            Against.REFERENCE,
            Better.HIGHER,
            "SSIM of grey over five scales with the published weights; a negative scale counts as 0.",
            "Wang, Simoncelli and Bovik 2003",
        ),
        Measure(
            "psnr_rgb",
            "dB",
            Against.REFERENCE,
            Better.HIGHER,
            "10 log10 of 1 over the mean squared difference of all channels of sRGB in [0, 1].",
            "ITU-T J.340",
        ),
        Measure(
            "gmsd",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            "Standard deviation of the gradient magnitude similarity of grey at half size, Prewitt, c 170 / 255^2.",
            "Xue, Zhang, Mou and Bovik 2014",
        ),
        Measure(
            "flip_67ppd",
            "1",
            Against.REFERENCE,
            Better.LOWER,
            "Mean of the LDR-FLIP map at 67 pixels per degree, 0 to 1.",
            "Andersson et al. 2020",
        ),
    )

    def prepare(self, pictures: Tensor) -> Features:
        """Grey moments at five scales, gradients, the picture as the eye blurs it, and the frame's own numbers."""
        grey = luma(pictures)
        shortest = min(grey.shape[-2:])
        features: Features = {"srgb": pictures.clone()}  # the caller may write the next frame into the same memory
        if shortest >= ssim.SMALLEST:
            scales = ssim.pyramid(grey) if shortest >= ssim.SMALLEST_MULTISCALE else [ssim.local(grey)]
            for i, scale in enumerate(scales):
                features |= {f"scale{i}_{key}": value for key, value in scale._asdict().items()}
        if shortest >= gmsd.SMALLEST:
            features["gradients"] = gmsd.gradients(grey)
        if shortest >= spectrum.SMALLEST:
            features["slope"], features["high"] = spectrum.slope_and_high_share(grey)
        if shortest >= 3:
            features["sharpness"] = _laplacian_variance(grey)
        seen = flip.see(srgb_to_linear(pictures))
        return features | {f"seen_{key}": value for key, value in seen._asdict().items()}

    def describe(self, features: Features) -> Columns:
        """Spectrum and sharpness of each frame."""
        return {
            "spectrum_slope": _flat_is_undefined(features, "slope", spectrum.SMALLEST),
            "high_band_energy": _flat_is_undefined(features, "high", spectrum.SMALLEST),
            "sharpness_laplacian": _column(features, features.get("sharpness"), 3),
        }

    def compare(self, features: Features, reference: Features) -> Columns:
        """The five ways to say how far two pictures are apart."""
        scales, reference_scales = _scales(features), _scales(reference)
        finest = ssim.similarity(scales[0], reference_scales[0]) if scales else None
        multiscale = ssim.multiscale(scales, reference_scales, finest) if len(scales) > 1 else None
        gradients = gmsd.deviation(features["gradients"], reference["gradients"]) if "gradients" in features else None
        seen, reference_seen = (
            flip.Seen(each["seen_colour"], each["seen_edges"], each["seen_points"]) for each in (features, reference)
        )
        error = (features["srgb"] - reference["srgb"]).square_().mean((-3, -2, -1), dtype=torch.float64)
        return {
            "ssim": _column(features, finest[0] if finest else None, ssim.SMALLEST),
            "ms_ssim": _column(features, multiscale, ssim.SMALLEST_MULTISCALE),
            "psnr_rgb": [psnr(each) for each in error.tolist()],
            "gmsd": _column(features, gradients, gmsd.SMALLEST),
            "flip_67ppd": flip.difference(seen, reference_seen).mean((-2, -1), dtype=torch.float64).tolist(),
        }


def _scales(features: Features) -> list[ssim.Local]:
    count = sum(key.endswith("_grey") for key in features)
    return [ssim.Local(*(features[f"scale{i}_{key}"] for key in ssim.Local._fields)) for i in range(count)]


def _laplacian_variance(grey: Tensor) -> Tensor:
    middle = grey[:, 1:-1, 1:-1]
    around = grey[:, :-2, 1:-1] + grey[:, 2:, 1:-1] + grey[:, 1:-1, :-2] + grey[:, 1:-1, 2:]
    return around.sub_(middle, alpha=4).double().flatten(1).var(1, correction=0)


def _column(features: Features, values: Tensor | None, smallest: int) -> list[Value]:
    """Values as a column, or why there are none."""
    if values is not None:
        column: list[Value] = values.tolist()
        return column
    count, _, height, width = features["srgb"].shape
    return [
        Undefined(f"a picture of {width}x{height} px is too small: each side must be {smallest} px or more")
    ] * count


def _flat_is_undefined(features: Features, key: str, smallest: int) -> list[Value]:
    flat = Undefined("the picture has no contrast")
    column = _column(features, features.get(key), smallest)
    return [flat if isinstance(value, float) and isnan(value) else value for value in column]

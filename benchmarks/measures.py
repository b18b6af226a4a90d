"""Claim: the measures of a chain are at least five times faster than a plain script, with equal values.

One side is `ChainMeter` with colour, geometry and structure. The other is what a careful person writes with
scikit-image, torchmetrics and flip-evaluator: frame by frame, the Lab and grey pictures of frame 0 and of frame k-1
kept, everything else called as the libraries document it. The script leaves out the white points and the squash, which
none of them offers. Both run in one process on the same frames with the threads their libraries choose.
"""

import sys
from io import BytesIO
from time import perf_counter
from typing import Any

import flip_evaluator
import numpy as np
import skimage
import torch
from PIL import Image
from scipy.ndimage import laplace
from skimage.color import deltaE_ciede2000, rgb2lab
from skimage.filters import prewitt_h, prewitt_v, window
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from skimage.registration import phase_cross_correlation
from skimage.transform import SimilarityTransform, downscale_local_mean, warp, warp_polar
from torchmetrics.functional.image import multiscale_structural_similarity_index_measure

from simulacra.measures.colour import Colour
from simulacra.measures.contract import Undefined
from simulacra.measures.geometry import Geometry
from simulacra.measures.grey import LUMA
from simulacra.measures.meter import ChainMeter
from simulacra.measures.structure import Structure

LEAST_RATIO = 5.0
FRAMES, SIZE = 101, 512

# Largest difference allowed, and why.
TOLERANCES = {
    "lightness_mean": 5e-3,  # scikit-image rounds the matrix of sRGB to six digits and the white to five
    "a_mean": 5e-3,
    "b_mean": 5e-3,
    "chroma_mean": 5e-3,
    "delta_e00_pixel_mean": 5e-3,
    "delta_e00_pixel_p95": 1e-2,
    "delta_e00_of_mean": 5e-3,
    "ssim": 1e-5,  # float32 against float64
    # torchmetrics also counts windows over the mirrored border at the coarsest scale: of 32 px there, more than half.
    "ms_ssim": 3e-2,
    "psnr_rgb": 1e-3,
    "gmsd": 1e-5,
    "flip_67ppd": 2e-4,  # float32 on both sides
    "high_band_energy": 1e-6,
    "sharpness_laplacian": 1e-6,
}


def measure(count: int = FRAMES, size: int = SIZE) -> dict[str, Any]:
    frames = chain(count, size)
    pictures = torch.from_numpy(frames.transpose(0, 3, 1, 2).copy())
    ChainMeter(channels()).measure(pictures[:2])  # both sides start warm: filters and imports are made once a process
    plain_script(frames[:2])

    began = perf_counter()
    meter = ChainMeter(channels())
    ours = [values for picture in pictures for values in meter.measure(picture[None])]  # as a growing chain gives them
    seconds = perf_counter() - began
    began = perf_counter()
    theirs = plain_script(frames)
    script_seconds = perf_counter() - began

    differences = largest_differences(ours, theirs)
    ratio = script_seconds / seconds
    equal = all(differences[name] <= tolerance for name, tolerance in TOLERANCES.items())
    return {
        "claim": f"the measures of {count} frames at {size} px take at most 1/{LEAST_RATIO:g} of a plain script's time",
        "script_seconds": round(script_seconds, 2),
        "simulacra_seconds": round(seconds, 2),
        "milliseconds_a_frame": round(1000 * seconds / count, 1),
        "ratio": round(ratio, 2),
        "largest_difference": {name: [difference, TOLERANCES[name]] for name, difference in differences.items()},
        "holds": ratio >= LEAST_RATIO and equal,
    }


def chain(count: int, size: int) -> np.ndarray:
    """A photograph re-encoded as JPEG on a moving grid while it warms and grows, shape (N, size, size, 3), float32."""
    image = Image.fromarray(skimage.data.astronaut()).resize((size, size), Image.Resampling.LANCZOS)
    frames = []
    for index in range(count):
        frames.append(np.asarray(image, np.float32) / 255)
        grown = image.resize((size, size), Image.Resampling.BICUBIC, (0.4, 0.2, size - 0.4, size - 0.2))
        warmed = grown.convert("RGB", (1.002, 0, 0, 0, 0, 1.0, 0, 0, 0, 0, 0.997, 0))
        shifted = np.roll(np.asarray(warmed), (3 * index % 8, 5 * index % 8), (0, 1))
        buffer = BytesIO()
        Image.fromarray(shifted).save(buffer, "JPEG", quality=75)
        back = np.roll(np.asarray(Image.open(buffer)), (-(3 * index % 8), -(5 * index % 8)), (0, 1))
        image = Image.fromarray(back)
    return np.stack(frames)


def channels() -> list[Any]:
    return [Colour(), Geometry(), Structure()]


def plain_script(frames: np.ndarray) -> list[dict[str, dict[str, float]]]:
    rows = []
    origin = previous = None
    for picture in frames:
        grey = picture @ np.array(LUMA, np.float32)
        lab = rgb2lab(picture)
        now = (picture, grey, lab)
        origin, previous = origin or now, previous or now
        rows.append({"frame": alone(grey, lab), "origin": pair(now, origin), "previous": pair(now, previous)})
        previous = now
    return rows


def alone(grey: np.ndarray, lab: np.ndarray) -> dict[str, float]:
    centred = (grey - grey.mean()) * np.outer(*map(np.hanning, grey.shape))
    power = np.abs(np.fft.fft2(centred)) ** 2
    power[0, 0] = 0
    radius = np.hypot(np.fft.fftfreq(grey.shape[0])[:, None], np.fft.fftfreq(grey.shape[1])[None])
    rings = np.bincount((radius * grey.shape[0]).round().astype(int).ravel(), power.ravel())
    counts = np.bincount((radius * grey.shape[0]).round().astype(int).ravel())
    fitted = slice(grey.shape[0] // 32, int(0.4 * grey.shape[0]) + 1)
    slope = np.polyfit(np.log(np.arange(len(rings))[fitted]), np.log(rings[fitted] / counts[fitted]), 1)[0]
    return {
        "lightness_mean": lab[..., 0].mean(dtype=np.float64),
        "a_mean": lab[..., 1].mean(dtype=np.float64),
        "b_mean": lab[..., 2].mean(dtype=np.float64),
        "chroma_mean": np.hypot(lab[..., 1], lab[..., 2]).mean(dtype=np.float64),
        "spectrum_slope": slope,
        "high_band_energy": power[radius >= 0.25].sum() / power.sum(),
        "sharpness_laplacian": laplace(grey)[1:-1, 1:-1].var(dtype=np.float64),
    }


def pair(now: tuple[np.ndarray, ...], then: tuple[np.ndarray, ...]) -> dict[str, float]:
    (picture, grey, lab), (picture_then, grey_then, lab_then) = now, then
    delta = deltaE_ciede2000(lab_then, lab)
    with np.errstate(divide="ignore"):
        psnr = peak_signal_noise_ratio(picture_then, picture, data_range=1)
    greys = [torch.from_numpy(each)[None, None] for each in (grey, grey_then)]
    flip = flip_evaluator.evaluate(picture_then, picture, "LDR", True, False, True)[0]
    zoom, rotation, shift, aligned_psnr, aligned_ssim = geometry(grey, grey_then)
    return {
        "delta_e00_pixel_mean": delta.mean(),
        "delta_e00_pixel_p95": np.percentile(delta, 95),
        "delta_e00_of_mean": float(deltaE_ciede2000(lab_then.mean((0, 1)), lab.mean((0, 1)))),
        "ssim": ssim(grey, grey_then),
        "ms_ssim": float(multiscale_structural_similarity_index_measure(*greys, data_range=1.0)),
        "psnr_rgb": psnr,
        "gmsd": gmsd(grey, grey_then),
        "flip_67ppd": flip.mean(dtype=np.float64),
        "zoom": zoom,
        "rotation": rotation,
        "shift_x": -shift[1],
        "shift_y": -shift[0],
        "aligned_psnr_grey": aligned_psnr,
        "aligned_ssim": aligned_ssim,
    }


def ssim(grey: np.ndarray, then: np.ndarray) -> float:
    settings = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 1}
    return structural_similarity(grey.astype(np.float64), then.astype(np.float64), **settings)


def gmsd(grey: np.ndarray, then: np.ndarray) -> float:
    halves = [downscale_local_mean(each.astype(np.float64), (2, 2)) for each in (grey, then)]
    one, other = (np.hypot(prewitt_h(each), prewitt_v(each))[1:-1, 1:-1] for each in halves)
    constant = 170 / 255**2
    return ((2 * one * other + constant) / (one**2 + other**2 + constant)).std()


def geometry(grey: np.ndarray, then: np.ndarray) -> tuple[float, float, np.ndarray, float, float]:
    """Log-polar registration as in scikit-image's gallery, then shift by phase correlation, then the scores again."""
    radius = grey.shape[0] // 2
    bell = window("hann", grey.shape)
    spectra = [np.abs(np.fft.fftshift(np.fft.fft2(each * bell))) for each in (grey, then)]
    polar = [warp_polar(each, radius=radius, scaling="log", output_shape=(360, radius))[:180] for each in spectra]
    moved, _, _ = phase_cross_correlation(polar[1], polar[0], upsample_factor=10, normalization=None)
    rotation, zoom = moved[0], np.exp(moved[1] * np.log(radius) / radius)
    centre = SimilarityTransform(translation=(-radius, -radius))
    turned = centre + SimilarityTransform(scale=zoom, rotation=np.deg2rad(rotation)) + centre.inverse
    undone = warp(grey, turned, order=3)
    shift, _, _ = phase_cross_correlation(then, undone, upsample_factor=20)
    aligned = warp(undone, SimilarityTransform(translation=-shift[::-1]), order=3)
    with np.errstate(divide="ignore"):
        return zoom, rotation, shift, peak_signal_noise_ratio(then, aligned, data_range=1), ssim(aligned, then)


def largest_differences(ours: list[Any], theirs: list[dict[str, dict[str, float]]]) -> dict[str, float]:
    largest = dict.fromkeys(TOLERANCES, 0.0)
    for mine, other in zip(ours, theirs, strict=True):
        for reference, values in mine.items():
            for name, value in values.items():
                if name in largest and not isinstance(value, Undefined):
                    largest[name] = max(largest[name], abs(value - float(other[reference][name])))
    return largest


if __name__ == "__main__":
    import json

    print(json.dumps(measure(*map(int, sys.argv[1:])), indent=2))  # FRAMES SIZE, to try it on less

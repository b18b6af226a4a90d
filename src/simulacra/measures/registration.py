"""How one picture lies in another: an affine map, found by Fourier-Mellin correlation and refined by least squares.

Pictures are registered at a working size of at most `WORKING` px a side, after a band pass that takes off the lighting
and the finest grain, so that a cast, a blur or noise moves nothing. A map takes coordinates of the reference to
coordinates of the frame; both count from the picture's centre, x to the right, y down, in half longest sides.
"""

from functools import lru_cache
from math import atan2, ceil, cos, degrees, exp, log, pi, sin, sqrt
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

from simulacra.measures.filters import gaussian, smooth

WORKING = 128
"""Pixels: the longest side pictures are registered at. The map is found to about a hundredth of such a pixel."""

SMALLEST = 16
"""Pixels: with a shorter side there is too little to hold on to."""

LEAST_CONTRAST = 1e-3
"""Standard deviation after the band pass, on [0, 1], below which a picture is too flat to register."""

LEAST_CORRELATION = 0.35
"""Correlation of the aligned pictures below which the map is not believed; unrelated photographs stay below 0.25."""

Map = NDArray[np.float64]
"""An affine map, shape (3, 3). In numpy, whose calls on so few numbers take a third of torch's time."""

_ANGLES, _RADII = 128, 96  # of the log-polar spectrum; half a turn, for a real picture's spectrum is symmetric
_LOWEST = 0.02  # cycles per pixel where the log-polar spectrum begins
_NEAR = 0.8  # correlation from which the refinement needs no search before it
_HOPELESS = 0.1  # correlation of the best start below which no refinement is tried: 1 in 122 came to be believed
_STEPS = 25
_SETTLED = 1e-3  # pixels at working size: a step that moves no corner further ends the refinement


class Prepared(NamedTuple):
    """A picture ready to be registered."""

    band: Tensor  # (N, h, w): band-passed grey at working size
    spectrum: Tensor  # (N, h // 2 + 1, w), complex: of the band under a window
    polar: Tensor  # (N, angles, radii // 2 + 1), complex: spectrum of the log-polar spectrum


class Motion(NamedTuple):
    """How the frame's content moved against the reference."""

    shift_x: float  # share of half the longest side, to the right, of the content at the centre
    shift_y: float  # downwards
    zoom: float  # 1.03 for content 3 % larger
    rotation: float  # degrees, clockwise as seen
    squash: float  # width over height of what was a square: above 1 for content widened


class Fit(NamedTuple):
    """The outcome of a registration."""

    map: Map
    correlation: float  # of the band-passed pictures after alignment, where they overlap


def prepare(grey: Tensor) -> Prepared:
    """Band pass and log-polar spectrum of pictures, shape (N, H, W), both sides of `SMALLEST` or more."""
    factor = ceil(max(grey.shape[-2:]) / WORKING)
    factor = min(factor, min(grey.shape[-2:]) // (SMALLEST // 2))
    small = avg_pool2d(grey[:, None], factor)[:, 0] if factor > 1 else grey
    band = smooth(small, gaussian(1.0), "replicate") - smooth(small, gaussian(4.0), "replicate")
    window, grid = _polar_plan(*band.shape[-2:])
    spectrum = _spectrum(band * window)
    magnitude = torch.fft.fftshift(spectrum.abs(), dim=-1)
    polar = grid_sample(magnitude[:, None], grid.expand(len(band), -1, -1, -1), align_corners=False)[:, 0].log1p()
    polar = polar - polar.mean((-2, -1), keepdim=True)
    return Prepared(band, spectrum, torch.fft.rfft2(polar))


def contrast(prepared: Prepared) -> Tensor:
    """Standard deviation after the band pass, shape (N,)."""
    return prepared.band.flatten(1).std(1, correction=0)


def register(frame: Prepared, reference: Prepared) -> Fit:
    """The map from one reference (N = 1) to one frame (N = 1) of the same size, both of `LEAST_CONTRAST` or more.

    Where the pictures do not match as they stand, two more starts are tried: the shift that phase correlation finds,
    and the zoom, rotation and shift that Fourier-Mellin correlation finds. The one that correlates best is refined.

    Source: Reddy and Chatterji 1996 for the start; Baker and Matthews 2004, section 3.2, for the refinement (inverse
    compositional, with gain and offset as further unknowns).
    """
    image, template = frame.band[0], reference.band[0]
    rest = np.eye(3)
    best = Fit(rest, _correlation(image, template, rest))
    if best.correlation < _NEAR:
        turned = _zoom_and_rotation(frame, reference)
        searched = (_shift(frame.spectrum[0], reference, rest), _shift(_seen(image, turned), reference, turned))
        best = max(best, *(Fit(map, _correlation(image, template, map)) for map in searched), key=_believed)
        if best.correlation < _HOPELESS:
            return best
    refined = _refine(image, template, best.map)
    return max(best, Fit(refined, _correlation(image, template, refined)), key=_believed)


def motion(fit: Fit) -> Motion:
    """The parts of an affine map: a rotation of the polar decomposition, and what stretches."""
    (a, b, x), (c, d, y), _ = fit.map.tolist()
    angle = atan2(c - b, a + d)
    # P of the polar decomposition A = R P; its diagonal stretches width and height.
    wide, tall = cos(angle) * a + sin(angle) * c, cos(angle) * d - sin(angle) * b
    return Motion(x, y, sqrt(max(a * d - b * c, 0.0)), degrees(angle), wide / tall)


def displacement(map: Map, height: int, width: int) -> float:
    """How far the map moves the corner it moves most, in pixels of a picture of this size."""
    half = max(height, width) / 2
    corners = _corners(height, width)
    across, down, _ = (map @ corners - corners) * half
    return float(np.hypot(across, down).max())


def undo(planes: Tensor, map: Map) -> tuple[Tensor, tuple[slice, slice]]:
    """Bring a frame back to where its reference lies.

    Args:
        planes: shape (N, H, W), moved alike.
        map: from the reference to the frame.

    Returns:
        The planes by cubic interpolation, and the rows and columns that lie in the frame altogether.
    """
    height, width = planes.shape[-2:]
    half = max(height, width) / 2
    grid = _positions(map, height, width).movedim(0, -1).expand(len(planes), -1, -1, -1)
    moved = grid_sample(planes[:, None], grid, "bicubic", "border", align_corners=False)
    # The frame's corners, inset by half a pixel, as seen in the reference; between them lies what both pictures show.
    x, y = (np.linalg.inv(map) @ _corners(height - 1, width - 1, half))[:2] * half
    left, right = max(x[0], x[2]) + width / 2, min(x[1], x[3]) + width / 2
    top, bottom = max(y[0], y[1]) + height / 2, min(y[2], y[3]) + height / 2
    close = 0.5 + 1e-6  # a pixel counts from its centre, and rounding must not lose it
    rows = slice(max(0, ceil(top - close)), max(0, min(height, int(bottom + close))))
    columns = slice(max(0, ceil(left - close)), max(0, min(width, int(right + close))))
    return moved[:, 0], (rows, columns)


def _believed(fit: Fit) -> float:
    return fit.correlation


def _refine(image: Tensor, template: Tensor, start: Map) -> Map:
    """Gauss-Newton on six unknowns of the map, gain and offset, with the derivatives of the template.

    They are taken where the frame lies inside at the start, and kept: what a step leaves out or takes in is little.
    """
    height, width = template.shape
    half = max(height, width) / 2
    steepest = _steepest(template)  # (8, h * w)
    current, back, uphill = start, np.linalg.inv(start), None
    for _ in range(_STEPS):
        moved, weight = _move(image, current)
        if uphill is None:
            hessian = ((steepest * weight) @ steepest.T).double().numpy()
            hessian[np.diag_indices(8)] *= 1 + 1e-6  # and what has no texture at all stays where it is
            uphill = np.linalg.inv(hessian + 1e-9 * np.eye(8))
        step = uphill @ (steepest @ moved.sub_(template.flatten()).mul_(weight)).double().numpy()
        change = np.eye(3)
        change[:2] += step[:6].reshape(2, 3) / min(max(1 + step[6], 0.5), 2.0)  # by the gain
        current = current @ np.linalg.inv(change)
        if not np.isfinite(current).all() or displacement(back @ current, height, width) > half:
            return start  # it ran away
        if displacement(change, height, width) < _SETTLED:
            break
    return current


def _steepest(template: Tensor) -> Tensor:
    """How the template changes with each of the eight unknowns, shape (8, h * w)."""
    height, width = template.shape
    half = max(height, width) / 2
    x, y = _coordinates(height, width)
    down, across = torch.gradient(template, spacing=1 / half)
    planes = [across * x, across * y, across, down * x, down * y, down, template, torch.ones_like(template)]
    return torch.stack(planes).flatten(1)


def _shift(seen: Tensor, reference: Prepared, map: Map) -> Map:
    """A map with the shift that phase correlation finds added, to the nearest pixel.

    Args:
        seen: spectrum of the frame as the map brings it onto the reference, shape (h // 2 + 1, w).
        reference: of one picture.
        map: what the frame was moved by.
    """
    height, width = reference.band.shape[-2:]
    half = max(height, width) / 2
    cross = seen * reference.spectrum[0].conj()
    surface = torch.fft.irfft2(cross / cross.abs().clamp(min=1e-12), s=(width, height), dim=(-1, -2))
    row, column = divmod(int(surface.argmax()), width)
    shift = np.eye(3)
    shift[:2, 2] = _signed(column, width) / half, _signed(row, height) / half
    return map @ shift


def _seen(image: Tensor, map: Map) -> Tensor:
    """Spectrum of a frame that is moved onto the reference, shape (h // 2 + 1, w)."""
    window, _ = _polar_plan(*image.shape)
    moved, weight = _move(image, map)
    return _spectrum((moved * weight).view(image.shape) * window)


def _spectrum(windowed: Tensor) -> Tensor:
    """Fourier transform of pictures, shape (..., h, w), without the frequencies that go upwards, which say no more."""
    spectrum: Tensor = torch.fft.rfft2(windowed, dim=(-1, -2))
    return spectrum


def _zoom_and_rotation(frame: Prepared, reference: Prepared) -> Map:
    """Zoom and rotation from the shift between log-polar spectra, as a map about the centre."""
    cross = frame.polar * reference.polar.conj()
    surface = torch.fft.irfft2(cross / cross.abs().clamp(min=1e-12), s=(_ANGLES, _RADII))
    turn, scale = divmod(int(surface.argmax()), _RADII)
    angle = _signed(turn, _ANGLES) * pi / _ANGLES
    # A picture that grows has a spectrum that shrinks.
    zoom = exp(-_signed(scale, _RADII) * log(0.5 / _LOWEST) / _RADII)
    a, c = zoom * cos(angle), zoom * sin(angle)
    return np.array([[a, -c, 0], [c, a, 0], [0, 0, 1]])


def _correlation(image: Tensor, template: Tensor, map: Map) -> float:
    """Correlation of the moved picture with the template where they overlap; 0 where less than a quarter does."""
    moved, weight = _move(image, map)
    count = float(weight.sum())
    if count < 0.25 * weight.numel():
        return 0.0
    one, other = moved, template.flatten()
    one, other = one - float(one @ weight) / count, other - float(other @ weight) / count
    weighted = one * weight
    return float((weighted @ other) / ((weighted @ one) * ((other * weight) @ other)).clamp(min=1e-20).sqrt())


def _move(image: Tensor, map: Map) -> tuple[Tensor, Tensor]:
    """The image at the mapped positions of its own pixels, and how much each counts, both of shape (h * w,).

    Beyond the centres of the outermost pixels it is 0, from a pixel inside them on it is 1. Were the limit sharp,
    pixels at the border would come and go with every step of a refinement, which then never settles.
    """
    height, width = image.shape
    places = _positions(map, height, width)
    moved = grid_sample(image[None, None], places.movedim(0, -1)[None], align_corners=False)
    columns, rows = places.abs_()
    torch.sub((width - 1) / 2, columns, alpha=width / 2, out=columns)  # pixels from the outermost pixels' centres
    torch.sub((height - 1) / 2, rows, alpha=height / 2, out=rows)
    weight = torch.minimum(columns, rows).clamp_(0, 1)
    return moved.flatten(), weight.flatten()


def _positions(map: Map, height: int, width: int) -> Tensor:
    """Column and row where each pixel of the reference lies in the frame, (2, H, W), as `grid_sample` counts them."""
    half = max(height, width) / 2
    (a, b, x), (c, d, y) = (map[:2] * [[2 * half / width], [2 * half / height]]).tolist()
    across, down = _coordinates(height, width)
    places = torch.empty(2, height, width)
    torch.add(a * across, b * down + x, out=places[0])
    torch.add(c * across, d * down + y, out=places[1])
    return places


@lru_cache(maxsize=16)
def _coordinates(height: int, width: int) -> tuple[Tensor, Tensor]:
    """X of each column, (1, W), and y of each row, (H, 1), in half longest sides from the picture's centre."""
    half = max(height, width) / 2
    x = (torch.arange(width) + 0.5 - width / 2) / half
    y = (torch.arange(height) + 0.5 - height / 2) / half
    return x[None], y[:, None]


def _corners(height: float, width: float, half: float | None = None) -> Map:
    """Homogeneous corners, shape (3, 4): top left, top right, bottom left, bottom right."""
    scale = max(height, width) / 2 if half is None else half
    x, y = width / 2 / scale, height / 2 / scale
    return np.array([[-x, x, -x, x], [-y, -y, y, y], [1, 1, 1, 1]])


@lru_cache(maxsize=16)
def _polar_plan(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A window against the seam of opposite borders, and where the log-polar grid lies in the shifted spectrum."""
    window = torch.outer(torch.hann_window(height, periodic=False), torch.hann_window(width, periodic=False))
    angle = torch.arange(_ANGLES)[:, None] * (pi / _ANGLES)
    radius = _LOWEST * torch.exp(torch.arange(_RADII) * (log(0.5 / _LOWEST) / _RADII))  # cycles per pixel
    # Frequency f stands at column width // 2 + f width and at row f height, for those that go upwards are not kept;
    # grid_sample wants the middle of index i at (2 i + 1) / size - 1.
    columns = (2 * (width // 2 + radius * torch.cos(angle) * width) + 1) / width - 1
    rows = (2 * (radius * torch.sin(angle) * height) + 1) / (height // 2 + 1) - 1
    return window, torch.stack([columns, rows], -1)[None]


def _signed(index: int, size: int) -> int:
    """An index of a circular axis as a displacement."""
    return index - size if index > size // 2 else index

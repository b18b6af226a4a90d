"""How one picture lies in another: an affine map, found by Fourier-Mellin correlation and refined by least squares.

Pictures are registered at a working size of at most `WORKING` px a side, after a band pass that takes off the lighting
and the finest grain, so that a cast, a blur or noise moves nothing. A map takes coordinates of the reference to
coordinates of the frame; both count from the picture's centre, x to the right, y down, in half longest sides.
"""

from functools import lru_cache
from math import atan2, ceil, cos, degrees, exp, log, pi, sin, sqrt
from typing import NamedTuple

import torch
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

_ANGLES, _RADII = (
    128,
    96,
)  # of the log-polar spectrum; half a turn of angles, for a real picture's spectrum is symmetric
_LOWEST = 0.02  # cycles per pixel where the log-polar spectrum begins
_NEAR = 0.8  # correlation from which the refinement needs no search before it
_STEPS = 25
_SETTLED = 1e-3  # pixels at working size: a step that moves no corner further ends the refinement


class Prepared(NamedTuple):
    """A picture ready to be registered."""

    band: Tensor  # (N, h, w): band-passed grey at working size
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

    map: Tensor  # (3, 3), float64
    correlation: float  # of the band-passed pictures after alignment, where they overlap


def prepare(grey: Tensor) -> Prepared:
    """Band pass and log-polar spectrum of pictures, shape (N, H, W), both sides of `SMALLEST` or more."""
    factor = ceil(max(grey.shape[-2:]) / WORKING)
    factor = min(factor, min(grey.shape[-2:]) // (SMALLEST // 2))
    small = avg_pool2d(grey[:, None], factor)[:, 0] if factor > 1 else grey
    band = smooth(small, gaussian(1.0), "replicate") - smooth(small, gaussian(4.0), "replicate")
    window, grid = _polar_plan(*band.shape[-2:])
    magnitude = torch.fft.fftshift(torch.fft.fft2(band * window).abs(), dim=(-2, -1))
    polar = grid_sample(magnitude[:, None], grid.expand(len(band), -1, -1, -1), align_corners=False)[:, 0].log1p()
    polar = polar - polar.mean((-2, -1), keepdim=True)
    return Prepared(band, torch.fft.rfft2(polar))


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
    rest = torch.eye(3, dtype=torch.float64)
    best = Fit(rest, _correlation(image, template, rest))
    if best.correlation < _NEAR:
        searched = _shifted(image, template, rest), _shifted(image, template, _zoom_and_rotation(frame, reference))
        best = max(best, *(Fit(map, _correlation(image, template, map)) for map in searched), key=_believed)
    refined = _refine(image, template, best.map)
    return max(best, Fit(refined, _correlation(image, template, refined)), key=_believed)


def motion(fit: Fit) -> Motion:
    """The parts of an affine map: a rotation of the polar decomposition, and what stretches."""
    (a, b, x), (c, d, y), _ = fit.map.tolist()
    angle = atan2(c - b, a + d)
    # P of the polar decomposition A = R P; its diagonal stretches width and height.
    wide, tall = cos(angle) * a + sin(angle) * c, cos(angle) * d - sin(angle) * b
    return Motion(x, y, sqrt(max(a * d - b * c, 0.0)), degrees(angle), wide / tall)


def displacement(map: Tensor, height: int, width: int) -> float:
    """How far the map moves the corner it moves most, in pixels of a picture of this size."""
    half = max(height, width) / 2
    corners = _corners(height, width)
    moved = (map @ corners - corners)[:2] * half
    return float(moved.square().sum(0).max().sqrt())


def undo(planes: Tensor, map: Tensor) -> tuple[Tensor, tuple[slice, slice]]:
    """Bring a frame back to where its reference lies.

    Args:
        planes: shape (N, H, W), moved alike.
        map: from the reference to the frame.

    Returns:
        The planes by cubic interpolation, and the rows and columns that lie in the frame altogether.
    """
    height, width = planes.shape[-2:]
    half = max(height, width) / 2
    grid = torch.stack(_positions(map, height, width), -1)[None]
    moved = grid_sample(planes[:, None], grid.expand(len(planes), -1, -1, -1), "bicubic", "border", align_corners=False)
    # The frame's corners, inset by half a pixel, as seen in the reference; between them lies what both pictures show.
    x, y = (torch.linalg.inv(map) @ _corners(height - 1, width - 1, half))[:2] * half
    left, right = max(float(x[0]), float(x[2])) + width / 2, min(float(x[1]), float(x[3])) + width / 2
    top, bottom = max(float(y[0]), float(y[1])) + height / 2, min(float(y[2]), float(y[3])) + height / 2
    close = 0.5 + 1e-6  # a pixel counts from its centre, and rounding must not lose it
    rows = slice(max(0, ceil(top - close)), max(0, min(height, int(bottom + close))))
    columns = slice(max(0, ceil(left - close)), max(0, min(width, int(right + close))))
    return moved[:, 0], (rows, columns)


def _believed(fit: Fit) -> float:
    return fit.correlation


def _refine(image: Tensor, template: Tensor, start: Tensor) -> Tensor:
    """Gauss-Newton on six unknowns of the map, gain and offset, with the derivatives of the template."""
    height, width = template.shape
    half = max(height, width) / 2
    x, y = _coordinates(height, width)
    rise, run = torch.gradient(template)
    across, down = (run * half).flatten(), (rise * half).flatten()
    steepest = torch.stack(
        [across * x, across * y, across, down * x, down * y, down, template.flatten(), torch.ones(height * width)]
    )  # (8, h * w)
    current = start
    for _ in range(_STEPS):
        moved, inside = _move(image, current)
        weighted = steepest * inside
        hessian = (weighted @ steepest.T).double()
        slope = (weighted @ (moved - template.flatten())).double()
        hessian.diagonal().mul_(1 + 1e-6).add_(1e-9)  # directions without texture stay where they are
        step = torch.linalg.solve(hessian, slope)
        gain = float((1 + step[6]).clamp(0.5, 2.0))
        change = torch.eye(3, dtype=torch.float64)
        change[:2] += (step[:6] / gain).view(2, 3)
        current = current @ torch.linalg.inv(change)
        if not bool(current.isfinite().all()) or displacement(current, height, width) > half:
            return start  # it ran away
        if displacement(change, height, width) < _SETTLED:
            break
    return current


def _shifted(image: Tensor, template: Tensor, map: Tensor) -> Tensor:
    """A map with the shift that phase correlation finds added, to the nearest pixel."""
    height, width = template.shape
    half = max(height, width) / 2
    moved, inside = _move(image, map)
    window, _ = _polar_plan(height, width)
    frame = torch.fft.rfft2((moved * inside).view(height, width) * window)
    cross = frame * torch.fft.rfft2(template * window).conj()
    surface = torch.fft.irfft2(cross / cross.abs().clamp(min=1e-12), s=(height, width))
    row, column = divmod(int(surface.argmax()), width)
    shift = torch.eye(3, dtype=torch.float64)
    shift[0, 2] = _signed(column, width) / half
    shift[1, 2] = _signed(row, height) / half
    return map @ shift


def _zoom_and_rotation(frame: Prepared, reference: Prepared) -> Tensor:
    """Zoom and rotation from the shift between log-polar spectra, as a map about the centre."""
    cross = frame.polar * reference.polar.conj()
    surface = torch.fft.irfft2(cross / cross.abs().clamp(min=1e-12), s=(_ANGLES, _RADII))
    turn, scale = divmod(int(surface.argmax()), _RADII)
    angle = _signed(turn, _ANGLES) * pi / _ANGLES
    # A picture that grows has a spectrum that shrinks.
    zoom = exp(-_signed(scale, _RADII) * log(0.5 / _LOWEST) / _RADII)
    return torch.tensor(
        [[zoom * cos(angle), -zoom * sin(angle), 0], [zoom * sin(angle), zoom * cos(angle), 0], [0, 0, 1]],
        dtype=torch.float64,
    )


def _correlation(image: Tensor, template: Tensor, map: Tensor) -> float:
    """Correlation of the moved picture with the template where they overlap; 0 where less than a quarter does."""
    moved, inside = _move(image, map)
    count = float(inside.sum())
    if count < 0.25 * inside.numel():
        return 0.0
    a = (moved - float((moved * inside).sum()) / count) * inside
    b = (template.flatten() - float((template.flatten() * inside).sum()) / count) * inside
    return float((a @ b) / (a @ a * (b @ b)).clamp(min=1e-20).sqrt())


def _move(image: Tensor, map: Tensor) -> tuple[Tensor, Tensor]:
    """The image at the mapped positions of its own pixels, and 1 where those lie inside, both of shape (h * w,)."""
    height, width = image.shape
    columns, rows = _positions(map, height, width)
    moved = grid_sample(image[None, None], torch.stack([columns, rows], -1)[None], align_corners=False)
    inside = (columns.abs() < 1 - 0.999 / width) & (rows.abs() < 1 - 0.999 / height)  # of the outermost pixels' centres
    return moved.flatten(), inside.flatten().to(image.dtype)


def _positions(map: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Column and row where each pixel of the reference lies in the frame, (H, W), as `grid_sample` counts them."""
    half = max(height, width) / 2
    scale = torch.tensor([[2 * half / width], [2 * half / height]], dtype=torch.float64)
    (a, b, x), (c, d, y) = (map[:2] * scale).tolist()
    across, down = (axis.view(height, width) for axis in _coordinates(height, width))
    columns, rows = across[:1], down[:, :1]
    return a * columns + (b * rows + x), c * columns + (d * rows + y)


@lru_cache(maxsize=16)
def _coordinates(height: int, width: int) -> tuple[Tensor, Tensor]:
    """X and y of every pixel's centre, in half longest sides from the picture's centre, each of shape (H * W,)."""
    half = max(height, width) / 2
    y = (torch.arange(height) + 0.5 - height / 2) / half
    x = (torch.arange(width) + 0.5 - width / 2) / half
    return x.expand(height, width).flatten(), y[:, None].expand(height, width).flatten()


def _corners(height: float, width: float, half: float | None = None) -> Tensor:
    """Homogeneous corners, shape (3, 4): top left, top right, bottom left, bottom right."""
    scale = max(height, width) / 2 if half is None else half
    x, y = width / 2 / scale, height / 2 / scale
    return torch.tensor([[-x, x, -x, x], [-y, -y, y, y], [1, 1, 1, 1]], dtype=torch.float64)


@lru_cache(maxsize=16)
def _polar_plan(height: int, width: int) -> tuple[Tensor, Tensor]:
    """A window against the seam of opposite borders, and where the log-polar grid lies in the shifted spectrum."""
    window = torch.outer(torch.hann_window(height, periodic=False), torch.hann_window(width, periodic=False))
    angle = torch.arange(_ANGLES)[:, None] * (pi / _ANGLES)
    radius = _LOWEST * torch.exp(torch.arange(_RADII) * (log(0.5 / _LOWEST) / _RADII))  # cycles per pixel
    # Frequency f stands at index size // 2 + f size; grid_sample wants the middle of index i at (2 i + 1) / size - 1.
    columns = (2 * (width // 2 + radius * torch.cos(angle) * width) + 1) / width - 1
    rows = (2 * (height // 2 + radius * torch.sin(angle) * height) + 1) / height - 1
    return window, torch.stack([columns, rows], -1)[None]


def _signed(index: int, size: int) -> int:
    """An index of a circular axis as a displacement."""
    return index - size if index > size // 2 else index

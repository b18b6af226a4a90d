"""Colour as torch functions: sRGB, linear light, XYZ, CIELAB, OKLab, CIEDE2000, and the colour of the light.

Every function takes and gives floating tensors with the colour channels on axis -3, shape (..., 3, H, W), and keeps
dtype and device. All are differentiable, and the gradient is finite everywhere, at black and at equal colours too.
Values outside [0, 1] are carried along by the same formulas, so conversions and their inverses agree out of gamut.
"""

from collections.abc import Callable
from math import sqrt

import torch
from torch import Tensor

WHITE = (0.3127 / 0.3290, 1.0, (1 - 0.3127 - 0.3290) / 0.3290)
"""XYZ of sRGB's white, from the chromaticity of D65 in IEC 61966-2-1."""

_PRIMARIES = ((0.64, 0.30, 0.15), (0.33, 0.60, 0.06), (0.03, 0.10, 0.79))  # columns: x, y, z of red, green, blue


def _rgb_to_xyz_matrix() -> Tensor:
    primaries = torch.tensor(_PRIMARIES, dtype=torch.float64)
    scales: Tensor = torch.linalg.solve(primaries, torch.tensor(WHITE, dtype=torch.float64))
    return primaries * scales


_RGB_TO_XYZ = _rgb_to_xyz_matrix()
_XYZ_TO_RGB = torch.linalg.inv(_RGB_TO_XYZ)
_RGB_TO_WHITE_RELATIVE = _RGB_TO_XYZ / torch.tensor(WHITE, dtype=torch.float64)[:, None]
# L* = 116 f(Y) - 16, a* = 500 (f(X) - f(Y)), b* = 200 (f(Y) - f(Z)), as a matrix on f(X), f(Y), f(Z).
_F_TO_LAB = torch.tensor([[0, 116, 0], [500, -500, 0], [0, 200, -200]], dtype=torch.float64)

# Ottosson 2020, "A perceptual color space for image processing".
_RGB_TO_LMS = torch.tensor(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    dtype=torch.float64,
)
_ROOTS_TO_OKLAB = torch.tensor(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    dtype=torch.float64,
)

_BAND_PIXELS = 2**15  # temporaries of 128 KiB: larger ones leave the cache and make the allocator fetch fresh pages
_TOE = 0.04045  # where the sRGB curve turns from a line into a power, IEC 61966-2-1
_KNEE = 6 / 29  # where CIELAB's f turns from a line into a cube root, CIE 15


def srgb_to_linear(srgb: Tensor) -> Tensor:
    """Undo the sRGB curve: 1 stays 1, and mid grey 0.5 becomes 0.214 (IEC 61966-2-1)."""
    # exp(2.4 log x) because torch's vectorised exp and log together are five times faster than its pow. Clamped because
    # the branch not taken must have a finite gradient too.
    power = srgb.clamp(min=_TOE).add(0.055).div(1.055).log().mul(2.4).exp()
    return torch.where(srgb > _TOE, power, srgb / 12.92)


def linear_to_srgb(linear: Tensor) -> Tensor:
    """Apply the sRGB curve, the inverse of `srgb_to_linear`."""
    toe = _TOE / 12.92
    power = linear.clamp(min=toe).log().div(2.4).exp().mul(1.055).sub(0.055)
    return torch.where(linear > toe, power, linear * 12.92)


def linear_to_xyz(linear: Tensor) -> Tensor:
    """Linear light to CIE 1931 XYZ, relative to a white of Y = 1."""
    return _mix(_RGB_TO_XYZ, linear)


def xyz_to_linear(xyz: Tensor) -> Tensor:
    """CIE 1931 XYZ to linear light."""
    return _mix(_XYZ_TO_RGB, xyz)


def xyz_to_lab(xyz: Tensor) -> Tensor:
    """XYZ to CIELAB under D65: L* in [0, 100], a* and b* around 0 for greys (CIE 15:2004, section 8.2.1)."""
    return _mix(_F_TO_LAB, _lab_f(_mix(torch.diag(1 / torch.tensor(WHITE, dtype=torch.float64)), xyz))) - _black(xyz)


def lab_to_xyz(lab: Tensor) -> Tensor:
    """CIELAB under D65 to XYZ."""
    f = _mix(torch.linalg.inv(_F_TO_LAB), lab + _black(lab))
    relative = f.clamp(min=_KNEE) ** 3 + (f.clamp(max=_KNEE) - _KNEE) * (3 * _KNEE**2)
    return _mix(torch.diag(torch.tensor(WHITE, dtype=torch.float64)), relative)


def srgb_to_lab(srgb: Tensor) -> Tensor:
    """From sRGB to CIELAB under D65; greys get a* and b* of 0 to within 1e-4 in float32."""
    return by_bands(lambda band: _linear_to_lab(srgb_to_linear(band)), srgb)


def linear_to_lab(linear: Tensor) -> Tensor:
    """Linear light to CIELAB under D65, with the two matrices on the way to f folded into one."""
    return by_bands(_linear_to_lab, linear)


def _linear_to_lab(linear: Tensor) -> Tensor:
    return _mix(_F_TO_LAB, _lab_f(_mix(_RGB_TO_WHITE_RELATIVE, linear))) - _black(linear)


def lab_to_srgb(lab: Tensor) -> Tensor:
    """CIELAB under D65 to sRGB; colours outside sRGB leave [0, 1]."""
    return linear_to_srgb(xyz_to_linear(lab_to_xyz(lab)))


def srgb_to_oklab(srgb: Tensor) -> Tensor:
    """From sRGB to OKLab: L in [0, 1] (Ottosson 2020)."""
    lms = _mix(_RGB_TO_LMS, srgb_to_linear(srgb))
    # The cube root is vertical at black; below the smallest normal number its gradient is cut to 0.
    roots = lms.abs().clamp(min=torch.finfo(lms.dtype).tiny).log().div(3).exp()
    return _mix(_ROOTS_TO_OKLAB, roots * lms.sign())


def oklab_to_srgb(oklab: Tensor) -> Tensor:
    """OKLab to sRGB; colours outside sRGB leave [0, 1]."""
    lms = _mix(torch.linalg.inv(_ROOTS_TO_OKLAB), oklab) ** 3
    return linear_to_srgb(_mix(torch.linalg.inv(_RGB_TO_LMS), lms))


def chroma(lab: Tensor) -> Tensor:
    """C*, the distance from grey, shape (..., H, W), of CIELAB or OKLab."""
    _, a, b = lab.unbind(-3)
    return _root(a * a + b * b)


def hue(lab: Tensor) -> Tensor:
    """Hue angle in degrees in [0, 360), counted from +a* towards +b*, shape (..., H, W); 0 for exact greys."""
    _, a, b = lab.unbind(-3)
    return torch.atan2(b, a).rad2deg().remainder(360)


def delta_e_2000(lab: Tensor, reference: Tensor) -> Tensor:
    """CIEDE2000 by pixel, with kL = kC = kH = 1.

    Args:
        lab: CIELAB, shape (..., 3, H, W).
        reference: CIELAB of the same shape, or of one that expands to it.

    Returns:
        ΔE00, shape (..., H, W), 0 or more, exactly 0 for equal colours.

    Source: Sharma, Wu and Dalal 2005, "The CIEDE2000 color-difference formula", equations 2 to 22. Hue angles are
    kept as unit vectors: the difference of two of them has length 2 sin(Δh/2) and their sum points to the mean hue on
    the shorter arc, so the case distinctions on angles fall away, and a single arctangent is left.
    """
    return by_bands(_delta_e_2000, lab, reference.expand_as(lab))


def _delta_e_2000(lab: Tensor, reference: Tensor) -> Tensor:
    lightness1, a1, b1 = reference.unbind(-3)
    lightness2, a2, b2 = lab.unbind(-3)

    stretch = 1.5 - 0.5 * _saturation((_root(a1 * a1 + b1 * b1) + _root(a2 * a2 + b2 * b2)) / 2)  # 1 + G, eq. 2 to 4
    a1, a2 = a1 * stretch, a2 * stretch
    chroma1, chroma2 = _root(a1 * a1 + b1 * b1), _root(a2 * a2 + b2 * b2)
    smallest = torch.finfo(lab.dtype).tiny ** 0.5
    scale1, scale2 = chroma1.clamp(min=smallest).reciprocal(), chroma2.clamp(min=smallest).reciprocal()
    cos1, sin1, cos2, sin2 = a1 * scale1, b1 * scale1, a2 * scale2, b2 * scale2  # (0, 0) for a grey, as eq. 7 wants

    across, along = cos2 - cos1, sin2 - sin1
    hue_squared = chroma1 * chroma2 * (across * across + along * along)  # ΔH'^2, eq. 11
    turn = torch.sign(cos1 * sin2 - sin1 * cos2)  # the sign of ΔH'
    # Exactly opposite hues have no mean; eq. 14 then takes the one 90° on from the hue below 180°. A push far below
    # rounding along that direction decides, and leaves every other pair alone.
    push = torch.copysign(torch.full_like(along, 4 * torch.finfo(lab.dtype).eps), -along)
    mean_hue = torch.atan2(sin1 + sin2 - push * across, cos1 + cos2 + push * along)
    weight = (  # T, eq. 15
        1
        - 0.17 * torch.cos(mean_hue - _RADIANS[30])
        + 0.24 * torch.cos(2 * mean_hue)
        + 0.32 * torch.cos(3 * mean_hue + _RADIANS[6])
        - 0.20 * torch.cos(4 * mean_hue - _RADIANS[63])
    )

    mean_chroma = (chroma1 + chroma2) / 2
    offset = ((lightness1 + lightness2) / 2 - 50) ** 2
    d_lightness = (lightness2 - lightness1) / (1 + 0.015 * offset * (20 + offset).rsqrt())  # eq. 8, 18
    d_chroma = (chroma2 - chroma1) / (1 + 0.045 * mean_chroma)  # eq. 9, 19
    d_hue_squared = hue_squared / (1 + 0.015 * mean_chroma * weight) ** 2  # eq. 20
    # R_T, eq. 16, 17, 21: the rotation in the blue, at 275°, which atan2 calls -85°. Its seam lies at 180° in place of
    # 0°, both so far from the blue that ΔE00 moves by less than 1e-5 of itself.
    # The exponent is cut where e^-40 is nothing, because arithmetic on subnormal numbers is twenty times slower.
    blue = torch.exp(-((mean_hue + _RADIANS[85]) / _RADIANS[25]).square().clamp(max=40))
    rotation = -2 * _saturation(mean_chroma) * torch.sin(_RADIANS[60] * blue)
    total = d_lightness**2 + d_chroma**2 + d_hue_squared + rotation * d_chroma * turn * _root(d_hue_squared)
    return _root(total)


def by_bands(function: Callable[..., Tensor], *pictures: Tensor) -> Tensor:
    """Apply a function of single pixels to some rows at a time: its many temporaries then stay in the cache.

    Args:
        function: gives a picture or plane whose pixels depend on the pixels at their own place alone.
        pictures: its arguments, shape (..., H, W), the first of them the largest.
    """
    rows = max(1, _BAND_PIXELS // max(1, pictures[0].shape[:-3].numel() * pictures[0].shape[-1]))
    if rows >= pictures[0].shape[-2]:
        return function(*pictures)
    return torch.cat(
        [function(*bands) for bands in zip(*(torch.split(p, rows, -2) for p in pictures), strict=True)], -2
    )


def mired_duv(xyz: Tensor) -> tuple[Tensor, Tensor]:
    """The colour of a light as correlated colour temperature in mired (10^6 / K) and its distance from the black body.

    Args:
        xyz: CIE 1931 XYZ on the last axis, shape (..., 3), any scale above 0.

    Returns:
        Mired, in [0, 600], NaN for a light outside them; and Duv, the signed distance from the Planckian locus in the
        CIE 1960 diagram, positive towards green. Temperature loses its meaning where |Duv| is above 0.05 (CIE 15).
        Against the exact locus the error is below 0.3 mired and 1e-4 Duv where |Duv| is below 0.02.

    Source: Robertson 1968, "Computation of correlated color temperature and distribution temperature"; sign and name
    of Duv from Ohno 2014, "Practical use and calculation of CCT and Duv".
    """
    x, y, z = xyz.double().unbind(-1)
    u, v = 4 * x / (x + 15 * y + 3 * z), 6 * y / (x + 15 * y + 3 * z)
    mired, locus_u, locus_v, slope = torch.tensor(_ISOTEMPERATURE, dtype=torch.float64, device=xyz.device).unbind(-1)
    distance = (v[..., None] - locus_v - slope * (u[..., None] - locus_u)) / torch.sqrt(1 + slope**2)  # (..., 31)
    # The light lies between the first two neighbouring lines that have it on different sides.
    between = (distance[..., :-1] >= 0) & (distance[..., 1:] < 0)
    low = between.to(torch.int8).argmax(-1)
    near, far = (distance.gather(-1, i[..., None]).squeeze(-1) for i in (low, low + 1))
    part = near / (near - far)
    u0, v0 = torch.lerp(locus_u[low], locus_u[low + 1], part), torch.lerp(locus_v[low], locus_v[low + 1], part)
    found = between.any(-1)
    duv = torch.copysign(torch.hypot(u - u0, v - v0), v - v0)
    kept = torch.where(found, torch.lerp(mired[low], mired[low + 1], part), torch.nan)
    return kept, torch.where(found, duv, torch.nan)


_RADIANS = {degrees: degrees * torch.pi / 180 for degrees in (6, 25, 30, 60, 63, 85)}

# Robertson's isotemperature lines: mired, u and v on the Planckian locus (CIE 1960), slope of the line.
_ISOTEMPERATURE = (
    (0, 0.18006, 0.26352, -0.24341),
    (10, 0.18066, 0.26589, -0.25479),
    (20, 0.18133, 0.26846, -0.26876),
    (30, 0.18208, 0.27119, -0.28539),
    (40, 0.18293, 0.27407, -0.30470),
    (50, 0.18388, 0.27709, -0.32675),
    (60, 0.18494, 0.28021, -0.35156),
    (70, 0.18611, 0.28342, -0.37915),
    (80, 0.18740, 0.28668, -0.40955),
    (90, 0.18880, 0.28997, -0.44278),
    (100, 0.19032, 0.29326, -0.47888),
    (125, 0.19462, 0.30141, -0.58204),
    (150, 0.19962, 0.30921, -0.70471),
    (175, 0.20525, 0.31647, -0.84901),
    (200, 0.21142, 0.32312, -1.0182),
    (225, 0.21807, 0.32909, -1.2168),
    (250, 0.22511, 0.33439, -1.4512),
    (275, 0.23247, 0.33904, -1.7298),
    (300, 0.24010, 0.34308, -2.0637),
    (325, 0.24792, 0.34655, -2.4681),
    (350, 0.25591, 0.34951, -2.9641),
    (375, 0.26400, 0.35200, -3.5814),
    (400, 0.27218, 0.35407, -4.3633),
    (425, 0.28039, 0.35577, -5.3762),
    (450, 0.28863, 0.35714, -6.7262),
    (475, 0.29685, 0.35823, -8.5955),
    (500, 0.30505, 0.35907, -11.324),
    (525, 0.31320, 0.35968, -15.628),
    (550, 0.32129, 0.36011, -23.325),
    (575, 0.32931, 0.36038, -40.770),
    (600, 0.33724, 0.36051, -116.45),
)


def _mix(matrix: Tensor, channels: Tensor) -> Tensor:
    """A 3 x 3 matrix on the colour axis."""
    return torch.matmul(matrix.to(channels), channels.flatten(-2)).view(channels.shape)


def _lab_f(relative: Tensor) -> Tensor:
    """CIELAB's f: the cube root, and below (6/29)^3 the line that meets it, as a sum in which one of the two rests."""
    power = relative.clamp(min=_KNEE**3).log().div(3).exp()
    return power + relative.clamp(max=_KNEE**3).sub(_KNEE**3).div(3 * _KNEE**2)


def _black(like: Tensor) -> Tensor:
    """The constant that brings L* of black to 0: 116 f(0) = 16."""
    return torch.tensor([16.0, 0.0, 0.0]).to(like)[:, None, None]


def _root(square: Tensor) -> Tensor:
    """The square root, with gradient 0 at 0 where calculus has none; equal values with and without gradients."""
    if not square.requires_grad:
        return square.clamp(min=0).sqrt()
    floor = torch.finfo(square.dtype).tiny
    return square.clamp(min=floor).sqrt() - sqrt(floor)


def _saturation(mean_chroma: Tensor) -> Tensor:
    """sqrt(C^7 / (C^7 + 25^7)), which both G and R_C are made of."""
    scaled = mean_chroma / 25
    square = scaled * scaled
    ratio = square * square * square * scaled
    return _root(ratio / (ratio + 1))

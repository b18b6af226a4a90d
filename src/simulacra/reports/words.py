"""The words of the page: titles of the channels, short names of the measures, and which measures come first."""

from collections.abc import Iterable

from simulacra.copying.result import CopyResult
from simulacra.measures.contract import Against, Better, Measure

DRIFT = "delta_e00_pixel_mean"
"""The measure that stands for "how far" where one number is needed: it spaces the strip and opens the verdict."""

LIGHTNESS, RED_GREEN, YELLOW_BLUE = "delta_lightness_mean", "delta_a_mean", "delta_b_mean"
SHIFT_X, SHIFT_Y, ZOOM, ROTATION = "shift_x", "shift_y", "zoom", "rotation"
SSIM = "ssim"
FACE = "face_present"
"""The measures the verdict speaks of, beside `DRIFT`."""

QUALITY = "quality"
"""The channel of scores that know no original; it is shown on a panel of its own, never among the measures of drift."""

CHANNELS = {
    "colour": (
        "Colour",
        "Tint and lightness: what the eye sees first, and what structure and identity scores do not see.",
    ),
    "geometry": ("Geometry", "Where things are: shift, zoom and turn, and what remains when they are undone."),
    "structure": ("Structure", "Edges, texture and sharpness."),
    "face": ("Face and identity", "Whether there is a face, whose it is, and what its brows do."),
    "perception": ("Perception", "What trained networks see: how different it looks, and whether it shows the same."),
    "lpips": ("LPIPS", "How different it looks, by AlexNet and people's judgements."),
    "lpips-vgg": ("LPIPS by VGG16", "How different it looks, by VGG16 and people's judgements."),
    "dists": ("DISTS", "How different it looks where one texture may stand for another of its kind."),
    "clip": ("CLIP", "Whether it still shows the same, to a network that learnt from captions."),
    "dinov2": ("DINOv2", "Whether it still shows the same, to a network that learnt from pictures alone."),
    "dreamsim": ("DreamSim", "How far apart people would put them, by a network tuned on their judgements."),
    "quality": ("Scores without an original", "Where they rise while the picture drifts, they are being fooled."),
}
"""Channel -> title and a line on what it tells; others show their own name."""

LABELS = {
    "delta_e00_pixel_mean": "Colour difference",
    "delta_e00_pixel_p95": "Colour difference, 95th percentile",
    "delta_e00_of_mean": "Difference of the mean colours",
    "delta_lightness_mean": "Lightness",
    "delta_a_mean": "Green to red",
    "delta_b_mean": "Blue to yellow",
    "delta_chroma_mean": "Chroma",
    "delta_hue_of_mean": "Hue of the mean colour",
    "delta_white_grey_world_mired": "White by grey world",
    "delta_white_bright_neutral_mired": "White by bright neutrals",
    "lightness_mean": "Mean lightness",
    "a_mean": "Mean a*, green to red",
    "b_mean": "Mean b*, blue to yellow",
    "chroma_mean": "Mean chroma",
    "white_grey_world_mired": "White by grey world, temperature",
    "white_grey_world_duv": "White by grey world, off the black body",
    "white_bright_neutral_mired": "White by bright neutrals, temperature",
    "white_bright_neutral_duv": "White by bright neutrals, off the black body",
    "shift_x": "Shift right",
    "shift_y": "Shift down",
    "zoom": "Zoom",
    "rotation": "Turn clockwise",
    "squash": "Squash",
    "aligned_psnr_grey": "PSNR once aligned",
    "aligned_ssim": "SSIM once aligned",
    "ssim": "SSIM",
    "ms_ssim": "MS-SSIM",
    "psnr_rgb": "PSNR",
    "gmsd": "GMSD",
    "flip_67ppd": "FLIP",
    "spectrum_slope": "Spectrum slope",
    "high_band_energy": "Fine detail in the spectrum",
    "sharpness_laplacian": "Sharpness",
    "face_present": "Face found",
    "face_detector_score": "Score of the detector",
    "face_mesh_score": "Score of the mesh",
    "identity_distance": "Identity distance",
    "landmark_distance": "Landmark distance",
    "brow_rise": "Brows raised",
    "brow_change": "Brows changed",
    "brow_height": "Brow height",
    "brow_thickness": "Brow thickness",
    "brow_darkness": "Brow darkness",
    "brow_tilt": "Brow tilt",
    "brow_eye_gap": "Gap from brow to eye",
    "face_width_to_height": "Face, width over height",
    "skin_ita": "Skin tone, ITA",
    "stlpips_alex": "ST-LPIPS",
    "cosine_effnetlite0": "General features",
    "lpips_alex": "LPIPS, AlexNet",
    "lpips_vgg": "LPIPS, VGG16",
    "dists_vgg": "DISTS",
    "cosine_clip": "CLIP features",
    "cosine_dinov2": "DINOv2 features",
    "dreamsim_dino_vitb16": "DreamSim, DINO",
    "sharpness_crete": "Sharpness by Crété",
    "sharpness_tenengrad": "Sharpness by Tenengrad",
    "colourfulness": "Colourfulness",
    "signal_to_noise_immerkaer": "Signal to noise by Immerkær",
    "entropy_grey": "Entropy",
}
"""Measure -> what a chart is headed with; a plugin's measures show their names."""

HEADLINE = {
    "colour": ("delta_e00_pixel_mean", "delta_lightness_mean", "delta_a_mean", "delta_b_mean"),
    "geometry": ("shift_x", "shift_y", "zoom", "squash"),
    "structure": ("ssim", "flip_67ppd", "spectrum_slope", "sharpness_laplacian"),
    "face": ("face_present", "identity_distance", "landmark_distance", "brow_rise"),
    "perception": ("stlpips_alex", "cosine_effnetlite0"),
}
"""Channel -> the measures shown at once; the rest of the channel opens on demand."""

_RATIOS = {"zoom", "squash"}  # unchanged at 1, so a sign would mislead
_FIRST = 3  # measures shown at once of a channel that is not in the table


def channel_title(channel: str) -> tuple[str, str]:
    """Title of a channel and a line on what it tells, empty for a plugin's."""
    return CHANNELS.get(channel, (channel.replace("-", " ").replace("_", " ").capitalize(), ""))


def label(measure: str) -> str:
    """What a reader calls a measure."""
    return LABELS.get(measure) or measure.replace("_", " ")


def in_order(channels: Iterable[str]) -> list[str]:
    """Channels as the page shows them: the known ones as tabled, then the others as they come."""
    known = list(CHANNELS)
    return sorted(channels, key=lambda name: known.index(name) if name in known else len(known))


def of_drift(result: CopyResult) -> list[str]:
    """The channels of a run that measure drift, as the page shows them: all but the scores that know no original."""
    return [channel for channel in in_order(result.channels) if channel != QUALITY]


def headline(result: CopyResult, channel: str) -> tuple[str, ...]:
    """The measures of a channel that are shown at once."""
    present = result.channels[channel]
    chosen = tuple(name for name in HEADLINE.get(channel, ()) if name in present)
    return chosen or present[:_FIRST]


def direction(measure: Measure) -> str:
    """Which way less drift lies, in words; empty where neither is better."""
    if measure.better is Better.NEITHER:
        return ""
    return f"{measure.better.value} is less drift"


def is_signed(measure: Measure) -> bool:
    """Whether a value is a difference with a direction, to be shown with its sign."""
    return measure.against is Against.REFERENCE and measure.better is Better.NEITHER and measure.name not in _RATIOS


def unit(measure: Measure) -> str:
    """The unit beside a value; a pure number has none."""
    return "" if measure.unit in {"1", ""} else measure.unit

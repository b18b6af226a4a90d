"""Runs made up from numbers: frames nobody drew, drifts that are known."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulacra.copying import Chain, CopyResult, Ended, Ending, Frame
from simulacra.measures.contract import Against, Better, Measure, Undefined, Value

MEASURES = tuple(
    Measure(name, "1", Against.REFERENCE, better, f"{name}.", "made up")
    for name, better in (
        ("delta_e00_pixel_mean", Better.LOWER),
        ("ssim", Better.HIGHER),
        ("identity_distance", Better.LOWER),
    )
)

Values = Mapping[str, Sequence[Value]]


def chain(
    picture: str,
    copier: str,
    drift: Sequence[float],
    *,
    control: bool = False,
    replicate: int = 1,
    remedy: str | None = None,
    ending: Ending | None = None,
    faces: Sequence[Value] | None = None,
) -> Chain:
    """A chain that drifts as told in colour, and loses a hundredth as much of its structure."""
    none = [Undefined("no face found")] * len(drift)
    values: dict[str, tuple[Value, ...]] = {
        "delta_e00_pixel_mean": tuple(drift),
        "ssim": tuple(1 - value / 100 for value in drift),
        "identity_distance": tuple(none if faces is None else faces),
    }
    frames = tuple(
        Frame(
            index,
            f"{copier} {index}",
            f"p1:{picture}" if index == 0 else f"p1:{picture} {copier} {index}",
            "b",
            0.5,
            False,
        )
        for index in range(len(drift))
    )
    return Chain(
        f"{picture}/{copier}/{replicate}",
        picture,
        copier,
        control,
        replicate,
        frames,
        ending or Ending(Ended.TIMES, len(drift) - 1),
        {"origin": values, "frame": {}, "previous": {}},
        remedy,
    )


def run(name: str, chains: Sequence[Chain], *, times: int | None = None, **changes: Any) -> CopyResult:
    """A run that holds these chains; its pictures have 200x100 px."""
    pictures = dict.fromkeys(each.picture for each in chains)
    facts: dict[str, Any] = {
        "identity": f"s1:{name}",
        "folder": Path(name),
        "command": f"simulacra copy --copier {name}",
        "spec": {
            "settings": {"pictures": [{"label": each, "width": 200, "height": 100} for each in pictures], "legs": []}
        },
        "manifest": {},
        "size": (200, 100),
        "times": times or max(len(each.frames) - 1 for each in chains),
        "chains": tuple(chains),
        "measures": MEASURES,
        "channels": {},
        "absent": {},
        "blobs": Path("blobs"),
    }
    return CopyResult(**{**facts, **changes})

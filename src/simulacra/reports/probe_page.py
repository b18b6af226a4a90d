"""The page of a probe: one HTML file without script, and the same numbers as JSON."""

from base64 import b64encode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Template
from PIL import Image

from simulacra.copying.dynamics import Basin, Decomposition, Estimate
from simulacra.copying.probe_result import Eigen, Local, Probe, Probed, estimate_to_json
from simulacra.copying.probe_starts import END
from simulacra.copying.result import Chain, CopyResult
from simulacra.copying.settled import number_at
from simulacra.measures.contract import Undefined
from simulacra.reports import words
from simulacra.reports.card_words import between, copies
from simulacra.reports.curves import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Tick
from simulacra.reports.files import writing
from simulacra.reports.numbers import shown, tick_label, ticks
from simulacra.reports.onefile import styled, templates
from simulacra.reports.pictures import check_frames, fitted, webp_bytes

TILE = 288
"""Pixels of the longer side of a picture."""
UNDECIDED = "undecided: they may keep their distance"
ACROSS, UP = "b_mean", "lightness_mean"
"""The plane of the basin map: warm and cool, light and dark."""


@dataclass(frozen=True)
class Way:
    """The course of one start through the plane of the map."""

    name: str
    path: str
    start: tuple[float, float]
    end: tuple[float, float]


@dataclass(frozen=True)
class Map:
    """All ways of one picture."""

    ways: tuple[Way, ...]
    columns: tuple[Tick, ...]
    rows: tuple[Tick, ...]


@dataclass(frozen=True)
class Exhibit:
    """Everything the page shows of one picture."""

    probed: Probed
    sentences: tuple[str, ...]
    basins: tuple[tuple[str, str], ...]  # attribute, and what became of its spread over the versions
    tiles: tuple[tuple[str, str, str], ...]  # start, first and last frame as WebP in base64
    drawn: Map | None
    eigen: str  # WebP in base64, or nothing


def write_probe(probe: Probe, path: Path) -> None:
    """Write the page. The same probe gives the same bytes.

    Raises:
        UserError: a frame is missing from the store, or the file cannot be written.
    """
    check_frames(probe.copied)
    with writing(path) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.writelines(_stream(probe))


def probe_json(probe: Probe) -> dict[str, Any]:
    """The probe for machines; an end of an interval that the data does not bound is null."""
    return {
        "format": "simulacra-probe",
        "version": 1,
        "run": probe.copied.identity,
        "copier": probe.copier,
        "pictures": [_picture(probed) for probed in probe.pictures],
    }


def sentences(probed: Probed) -> tuple[str, ...]:
    """What a probe says of one picture."""
    told = [*(_local(local) for local in probed.local), _twins(probed), _eigenvalue(probed.eigen), _basin(probed)]
    if not isinstance(probed.idempotence.value, Undefined):
        told.append(
            f"The second copy moves {between(probed.idempotence)} times as far as the first: 0 would mean that one "
            "copy costs and the next are free."
        )
    return tuple(sentence for sentence in told if sentence)


def _local(local: Local) -> str:
    """The bias and the luck of one copy of a frame."""
    if not local.distances:
        return ""
    far = sum(local.distances) / len(local.distances)
    if isinstance(local.split, Undefined):
        return f"One copy of frame {local.frame} lies ΔE00 {shown(far)} from it."
    split = local.split
    return (
        f"One copy of frame {local.frame}, made {split.replicates} times, lies ΔE00 {shown(far)} from it; of the "
        f"squared change of its mean colour {between(split.bias_squared)} is bias and {between(split.variance)} luck."
    )


def _twins(probed: Probed) -> str:
    if isinstance(probed.twins, Undefined) or isinstance(probed.twins.value, Undefined):
        return ""
    ends = "forgets" if probed.twins.value < 0 else "amplifies"
    sure = probed.twins.interval
    if not isinstance(sure, Undefined) and 0 in sure:
        ends = "neither surely forgets nor surely amplifies"
    return f"It {ends} small differences: their logarithm changes by {between(probed.twins, signed=True)} a copy."


def _eigenvalue(eigen: Eigen | Undefined) -> str:
    if isinstance(eigen, Undefined):
        return ""
    what = "amplifies" if eigen.modulus > 1 else "shrinks"
    doubt = "" if eigen.converged else ", as far as the search came"
    factor = f"{shown(eigen.modulus)} ± {shown(eigen.residual)}"
    return (
        f"At frame {eigen.frame} one copy {what} the pattern below by a factor of {factor}{doubt}; "
        "no pattern is changed by a larger one."
    )


def _basin(probed: Probed) -> str:
    """Whether the versions of the picture end nearer to each other, and whether the chain had arrived."""
    known = {name: basin for name, basin in probed.basins.items() if isinstance(basin, Basin)}
    sure = [
        f"{basin.verdict} in {words.label(name).lower()} ({between(basin.kept)} times the variance they began with)"
        for name, basin in known.items()
        if basin.verdict != UNDECIDED
    ]
    versions = len(probed.chains) - (END in probed.chains)
    told = f"{versions} versions of the picture: {'; '.join(sure)}." if sure else ""
    if not sure and known:
        told = f"Whether {versions} versions of the picture end nearer to each other is undecided."
    if not isinstance(probed.run_on.value, Undefined):
        told += f" Run on from its end, the chain drifts {shown(probed.run_on.value)} times as far as it had."
    return told.strip()


def _stream(probe: Probe) -> Iterator[str]:
    return _template().generate(
        title=f"What one copy by {probe.copier} does",
        probe=probe,
        exhibits=[_exhibit(probe, probed) for probed in probe.pictures],
        command=probe.copied.command,
        **styled("page.css", "card.css"),
        width=WIDTH,
        height=HEIGHT,
        left=LEFT,
        right=RIGHT,
        top=TOP,
        bottom=BOTTOM,
    )


def _exhibit(probe: Probe, probed: Probed) -> Exhibit:
    tiles = tuple(
        (start, _tile(probe.copied, chain, 0), _tile(probe.copied, chain, len(chain.frames) - 1))
        for start, chain in probed.chains.items()
    )
    eigen = "" if isinstance(probed.eigen, Undefined) else _webp(probe.copied.blobs, probed.eigen.blob)
    return Exhibit(probed, sentences(probed), _spreads(probed), tiles, _map(probed.chains), eigen)


def _spreads(probed: Probed) -> tuple[tuple[str, str], ...]:
    """Of every attribute, the variance over versions that is left, and the verdict."""
    return tuple((words.label(name), _spread(basin)) for name, basin in probed.basins.items())


def _spread(basin: Basin | Undefined) -> str:
    if isinstance(basin, Undefined):
        return basin.reason
    return f"{between(basin.kept)} times the variance they began with: {basin.verdict.removeprefix('undecided: ')}"


def _map(chains: Mapping[str, Chain]) -> Map | None:
    """The ways of all starts through the plane; None where colour was not measured."""
    ways = {start: _points(chain) for start, chain in chains.items()}
    ways = {start: points for start, points in ways.items() if points}
    if not ways:
        return None
    across, up = ([point[axis] for points in ways.values() for point in points] for axis in (0, 1))
    columns, rows = ticks(min(across), max(across), 4), ticks(min(up), max(up))

    def place(point: tuple[float, float]) -> tuple[float, float]:
        return (
            LEFT + (RIGHT - LEFT) * (point[0] - columns[0]) / (columns[-1] - columns[0]),
            BOTTOM - (BOTTOM - TOP) * (point[1] - rows[0]) / (rows[-1] - rows[0]),
        )

    drawn = []
    for start, points in ways.items():
        places = [place(point) for point in points]
        path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
        drawn.append(Way(start, path, places[0], places[-1]))
    return Map(
        tuple(drawn),
        tuple(Tick(place((mark, rows[0]))[0], tick_label(mark, columns[1] - columns[0])) for mark in columns),
        tuple(Tick(place((columns[0], mark))[1], tick_label(mark, rows[1] - rows[0])) for mark in rows),
    )


def _points(chain: Chain) -> list[tuple[float, float]]:
    pairs = [
        (number_at(chain, "frame", ACROSS, copy), number_at(chain, "frame", UP, copy))
        for copy in range(len(chain.frames))
    ]
    return [(across, up) for across, up in pairs if across is not None and up is not None]


def _tile(result: CopyResult, chain: Chain, frame: int) -> str:
    return _webp(result.blobs, chain.frames[frame].blob)


def _webp(blobs: Path, blob: str) -> str:
    with Image.open(blobs / "sha256" / blob[:2] / blob) as stored:
        return b64encode(webp_bytes(fitted(stored.convert("RGB"), TILE, TILE), 85)).decode()


def _picture(probed: Probed) -> dict[str, Any]:
    return {
        "picture": probed.picture,
        "sentences": list(sentences(probed)),
        "idempotence": estimate_to_json(probed.idempotence),
        "local": [_local_json(local) for local in probed.local],
        "twins": _either(probed.twins),
        "eigenvalue": _eigen_json(probed.eigen),
        "basins": {
            name: {"undefined": basin.reason}
            if isinstance(basin, Undefined)
            else {"kept": estimate_to_json(basin.kept), "verdict": basin.verdict}
            for name, basin in probed.basins.items()
        },
        "run_on": estimate_to_json(probed.run_on),
    }


def _local_json(local: Local) -> dict[str, Any]:
    split = local.split
    return {
        "frame": local.frame,
        "distances": list(local.distances),
        "split": _split_json(split) if isinstance(split, Decomposition) else {"undefined": split.reason},
    }


def _split_json(split: Decomposition) -> dict[str, Any]:
    return {
        "replicates": split.replicates,
        "bias_squared": estimate_to_json(split.bias_squared),
        "variance": estimate_to_json(split.variance),
        "mean_change": [estimate_to_json(each) for each in split.mean_drift],
    }


def _eigen_json(eigen: Eigen | Undefined) -> dict[str, Any]:
    if isinstance(eigen, Undefined):
        return {"undefined": eigen.reason}
    return {
        "value": [eigen.value.real, eigen.value.imag],
        "modulus": eigen.modulus,
        "residual": eigen.residual,
        "converged": eigen.converged,
        "frame": eigen.frame,
        "blob": eigen.blob,
    }


def _either(found: Estimate | Undefined) -> dict[str, Any]:
    return {"undefined": found.reason} if isinstance(found, Undefined) else estimate_to_json(found)


@cache
def _template() -> Template:
    return templates(copies=copies).get_template("probe.html")

"""`simulacra data`: build sets of pictures, and see what is in one."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import App, Parameter

from simulacra.errors import UserError

if TYPE_CHECKING:
    from simulacra.sets import Built, Rules
    from simulacra.sets.sources import Source

app = App(name="data", help="Build sets of pictures for training and measuring, and see what is in one.")

Json = Annotated[bool, Parameter(name="--json", negative=())]
Switch = Annotated[bool, Parameter(negative=())]
Filter = Literal["nearest", "box", "bilinear", "bicubic", "lanczos"]
Colour = Literal["rgb", "rgba", "grey"]

MESH_GROUPS = ((33, 133), (263, 362), (61,), (291,))
"""Points of MediaPipe's face mesh: the corners of the eyes, left in the picture first, and those of the mouth."""


@app.command
def build(
    source: Path,
    out: Path,
    *,
    resolution: int | None = None,
    fit: Literal["refuse", "crop", "pad"] = "refuse",
    filter: Filter = "lanczos",
    colour: Colour = "rgb",
    align: Switch = False,
    landmarks: Path | None = None,
    label: str | None = None,
    skip_corrupt: Switch = False,
    limit: int | None = None,
    processes: int = 2,
    json_: Json = False,
) -> None:
    """Build a set from a folder, a zip, an LSUN database, TFRecords, CelebA or FFHQ.

    Nothing is overwritten, and a build that stops leaves nothing behind.

    Parameters
    ----------
    source
        A folder (with all folders in it), a zip, an LSUN folder, a .tfrecords file or a folder with some.
    out
        The new zip.
    resolution
        Pixels a side; otherwise the size is kept, and must be the same for all.
    fit
        What becomes of a picture that is not square: refuse, crop its middle, or pad with black.
    filter
        How pictures are resized; noted in the set.
    colour
        Channels of every picture.
    align
        Cut faces out by their landmarks, upright and at one scale, as FFHQ was made.
    landmarks
        A JSON file {"name": [[x, y], ...]} with 4, 5 or 68 points a picture, for --align; `landmarks` writes one.
    label
        An attribute whose values become the class numbers that other tools read, such as folder.
    skip_corrupt
        Leave out pictures that are damaged, or without the landmarks that --align needs, and note them in the set.
    limit
        Take only so many pictures.
    processes
        That decode and resize side by side.
    json_
        Print a machine-readable summary.
    """
    from simulacra.sets import Rules, source_of

    rules = Rules(
        resolution=resolution,
        colour=colour,
        fit=fit,
        filter=filter,
        align=align,
        label=label,
        skip_corrupt=skip_corrupt,
        limit=limit,
        processes=processes,
    )
    if landmarks is not None and not align:
        raise UserError("--landmarks says where faces are, and without --align nothing is cut out; say --align too")
    found = source_of(source, resolution=resolution, align=align)
    if landmarks is not None:
        found.points = _points(landmarks)
    _build(found, out, rules, json_)


@app.command
def landmarks(source: Path, out: Path, *, json_: Json = False) -> None:
    """Find the clearest face of each picture with MediaPipe's networks, and write its landmarks for `build --align`.

    Needs the extra `faces` and the weights face-detection and face-mesh.

    Parameters
    ----------
    source
        As for build.
    out
        The new JSON file: the eyes and the corners of the mouth of each picture in which a face is found.
    json_
        Print a machine-readable summary.
    """
    from simulacra.cli.progress import progress
    from simulacra.images.names import printable
    from simulacra.images.pixels import to_picture
    from simulacra.measures.face import Face
    from simulacra.runs.atomic import place, writing_to
    from simulacra.sets import source_of

    if out.exists():
        raise UserError(f"{printable(out)} exists, and nothing is overwritten; name another file, or delete it first")
    found, channel = source_of(source), Face()
    if reason := channel.unavailable():
        raise UserError(reason)
    faces: dict[str, list[list[float]]] = {}
    without: list[str] = []
    with progress() as watcher:
        watcher.begin(out.name, len(found), 0)
        for index, name in enumerate(found.names):
            try:
                mesh = channel.prepare(to_picture(found.read(index, alpha=False).pixels))["points"][0]  # (468, 2)
                points = [mesh[list(group)].mean(dim=0).tolist() for group in MESH_GROUPS]
            except UserError as error:
                without.append(str(error))
                continue
            if isfinite(points[0][0]):
                faces[name] = points
            else:
                without.append(f"{printable(name)} shows no face")
            watcher.advance(index + 1)
        watcher.end(f"{_counted(len(faces), 'face')} found")
    with writing_to(out.parent):
        place(out, json.dumps(faces, ensure_ascii=False).encode(), "landmarks")
    if json_:
        print(json.dumps({"landmarks": str(out), "faces": len(faces), "without": without}, ensure_ascii=False))
        return
    for sentence in without:
        print(sentence)
    print(f"{printable(out)}: {_counted(len(faces), 'face')} in {_counted(len(found), 'picture')}")


@app.command
def faces(
    out: Path,
    *,
    count: int = 5000,
    resolution: int = 64,
    seed: int = 0,
    label: str | None = None,
    processes: int = 2,
    json_: Json = False,
) -> None:
    """Draw a set of labelled faces, every factor known, from Toon Head, a design by Johan Melin (CC BY 4.0).

    Parameters
    ----------
    out
        The new zip.
    count
        Faces; a larger set begins with the smaller one.
    resolution
        Pixels a side.
    seed
        Of the factors.
    label
        A factor whose values become the class numbers that other tools read, such as skin or glasses.
    processes
        That draw side by side.
    json_
        Print a machine-readable summary.
    """
    from simulacra.sets import Rules
    from simulacra.sets.sources.faces import Faces

    rules = Rules(resolution=resolution, label=label, processes=processes)
    _build(Faces(count, resolution, seed), out, rules, json_)


@app.command
def digits(
    out: Path, *, resolution: int = 32, filter: Filter = "bicubic", colour: Colour = "grey", json_: Json = False
) -> None:
    """Write the 1,797 handwritten digits that come with scikit-learn (CC BY 4.0), with their classes.

    Parameters
    ----------
    out
        The new zip.
    resolution
        Pixels a side; the digits measure 8x8 and are enlarged.
    filter
        How they are enlarged; noted in the set.
    colour
        Channels of every picture.
    json_
        Print a machine-readable summary.
    """
    from simulacra.sets import Rules
    from simulacra.sets.sources.digits import Digits

    rules = Rules(resolution=resolution, filter=filter, colour=colour, label="digit", processes=1)
    _build(Digits(), out, rules, json_)


@app.command
def info(pictures: Path, *, verify: Switch = False, json_: Json = False) -> None:
    """Show what a set holds: counts, size, channels, labels, how it was built, its digest.

    Parameters
    ----------
    pictures
        A set: a zip or folder.
    verify
        Decode every picture again and compare with what was built; exit code 1 if anything is damaged.
    json_
        Print machine-readable facts.
    """
    import numpy as np

    from simulacra.sets import PictureSet

    opened = PictureSet(pictures, memory_bytes=0)
    classes = opened.classes
    facts: dict[str, Any] = {
        "set": str(pictures),
        "pictures": len(opened),
        "resolution": opened.resolution,
        "channels": opened.channels,
        "label_dimensions": opened.label_dimensions,
        "classes": None if classes is None else np.bincount(classes, minlength=opened.label_dimensions).tolist(),
        "attributes": {name: attribute.counts() for name, attribute in opened.attributes.items()},
        "digest": opened.digest,
        "built": dict(opened.facts),
    }
    problems: list[str] = []
    if verify:
        problems, pixels = opened.verify()
        if not problems and opened.facts.get("pixels", pixels) != pixels:
            problems = [f"the pixels of {pictures} are not those that were built; build the set again"]
        facts["problems"] = problems
    if json_:
        print(json.dumps(facts, ensure_ascii=False))
    else:
        _print_facts(facts)
        for problem in problems:
            print(problem)
    if problems:
        raise SystemExit(1)


@app.command
def preview(
    pictures: Path,
    out: Path,
    *,
    count: int = 64,
    columns: int = 16,
    tile: int = 96,
    seed: int = 0,
    by: str | None = None,
) -> None:
    """Write a contact sheet of a set as PNG or WebP.

    Parameters
    ----------
    pictures
        A set: a zip or folder.
    out
        The new picture, .png or .webp.
    count
        Pictures to show, drawn at random.
    columns
        In a row.
    tile
        Pixels a side of each.
    seed
        Of the choice.
    by
        An attribute: show its values in turn, a row each, and name them.
    """
    from simulacra.images.names import printable
    from simulacra.sets import PictureSet
    from simulacra.sets.preview import write_preview

    shown = write_preview(
        PictureSet(pictures, memory_bytes=0), out, count=count, columns=columns, tile=tile, seed=seed, by=by
    )
    print(f"{printable(out)}: {shown} pictures")


@app.command
def compare(
    real: Path,
    generated: Path,
    *,
    features: str = "effnetlite0",
    count: int | None = None,
    neighbours: int = 5,
    json_: Json = False,
) -> None:
    """Measure how far a set of generated pictures is from a set of real ones, each number with its floor.

    Parameters
    ----------
    real
        A set: a zip or folder.
    generated
        Another one.
    features
        What pictures are compared in: effnetlite0, digits, pixels:SIDE, inception:FILE, dinov2:FOLDER.
    count
        Pictures of each set, from its start; otherwise all.
    neighbours
        k of precision, recall, density and coverage.
    json_
        Print machine-readable values.
    """
    from simulacra.measures.contract import Undefined
    from simulacra.measures.of_sets.comparison import Protocol
    from simulacra.measures.of_sets.comparison import compare as compare_sets
    from simulacra.measures.of_sets.embedding import features_of
    from simulacra.measures.of_sets.named import open_features
    from simulacra.sets import PictureSet

    if neighbours < 1:
        raise UserError(f"--neighbours is {neighbours}; it must be 1 or more")
    opened = open_features(features)
    sides = [features_of(PictureSet(path, memory_bytes=0), opened, count) for path in (real, generated)]
    values = compare_sets(real=sides[0], generated=sides[1], features=opened, protocol=Protocol(neighbours=neighbours))
    if json_:
        plain = [{name: _plain(value) for name, value in asdict(each).items()} for each in values]
        print(json.dumps(plain, allow_nan=False))
        return
    for each in values:
        if isinstance(each.value, Undefined):
            print(f"{each.name}: none, {each.value.reason}")
            continue
        known = each.floor is not None and not isinstance(each.floor, Undefined)
        floor = f", by chance {each.floor:.4g}" if known else ""
        print(f"{each.name}: {each.value:.4g} ({each.better} is better{floor})")


def _plain(value: Any) -> Any:
    """A value as JSON holds it: what is undefined says why."""
    return {"undefined": value["reason"]} if isinstance(value, dict) else value


def _build(source: "Source", out: Path, rules: "Rules", json_: bool) -> None:
    from simulacra.cli.progress import progress
    from simulacra.images.names import printable
    from simulacra.sets import PictureSet
    from simulacra.sets import build as build_set

    with progress() as watcher:
        watcher.begin(out.name, min(len(source), rules.limit or len(source)), 0)
        built: Built = build_set(source, out, rules, report=lambda done, _: watcher.advance(done))
        watcher.end("built")
    digest = PictureSet(out, memory_bytes=0).digest
    if json_:
        whole = {
            "set": str(out),
            "pictures": built.count,
            "resolution": built.resolution,
            "digest": digest,
            "pixels": built.pixels,
            "skipped": [list(each) for each in built.skipped],
            "converted": dict(built.converted),
        }
        print(json.dumps(whole, ensure_ascii=False))
        return
    print(f"{printable(out)}: {_counted(built.count, 'picture')} of {built.resolution}x{built.resolution} px")
    for what, times in built.converted.items():
        print(f"  {_counted(times, 'picture')}: {what}")
    for _, reason in built.skipped:
        print(f"  left out: {reason}")
    print(f"  digest {digest}")


def _points(path: Path) -> Mapping[str, Any]:
    from simulacra.images.names import printable
    from simulacra.sets.align import four_points

    try:
        given = json.loads(path.read_bytes())
        return {name: four_points(points, printable(name)) for name, points in given.items()}
    except OSError as error:
        raise UserError(f"{printable(path)} cannot be read: {error.strerror}; check its name") from error
    except (ValueError, AttributeError) as error:
        raise UserError(
            f'{printable(path)} is no JSON of landmarks: {error}; write {{"name": [[x, y], ...]}}'
        ) from error


def _print_facts(facts: Mapping[str, Any]) -> None:
    side, built = facts["resolution"], facts["built"]
    channels = {1: "grey", 3: "RGB", 4: "RGB and alpha"}[facts["channels"]]
    rows = [("set", facts["set"]), ("pictures", f"{facts['pictures']}, {side}x{side} px, {channels}")]
    rows.append(("digest", facts["digest"]))
    if source := built.get("source"):
        rows.append(("source", f"{source['name']} ({source['kind']})"))
        rows += [(key, source[key]) for key in ("licence", "credit") if key in source]
    rows += [(key, built[key]) for key in ("fit", "filter") if built.get(key)]
    rows += [
        ("converted", f"{_counted(count, 'picture')}: {what}") for what, count in built.get("converted", {}).items()
    ]
    rows += [("left out", reason) for _, reason in built.get("skipped", [])]
    if facts["label_dimensions"]:
        classes = facts["classes"]
        counts = "vectors" if classes is None else ", ".join(f"{n}: {count}" for n, count in enumerate(classes))
        rows.append(("labels", f"{facts['label_dimensions']} dimensions; {counts}"))
    for name, counted in facts["attributes"].items():
        rows.append((name, ", ".join(f"{value} {count}" for value, count in counted.items())))
    width = max(len(name) for name, _ in rows) + 2
    for name, said in rows:
        print(f"{name:<{width}}{said}")


def _counted(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"

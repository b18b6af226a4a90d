"""`simulacra probe`: ask what one copy does, and name the page that says it."""

import json
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from simulacra.cli.progress import progress
from simulacra.errors import UserError


def probe(
    *pictures: Path,
    copier: Annotated[str, Parameter(name=["--copier", "-c"])],
    frames: str = "0",
    replicates: int = 8,
    copies: int = 20,
    twins: int = 4,
    difference: float = 0.01,
    size: int | Literal["original"] = 256,
    seed: int = 0,
    store: Path | None = None,
    pixel_limit: int = 100_000_000,
    json_: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> None:
    """Ask what one copy does to a few pictures: bias and luck, twins, the leading eigenvalue, the basin map.

    The same command continues a probe that was stopped.

    Parameters
    ----------
    pictures
        Files, or folders of pictures.
    copier
        What copies, as family:key=value,... such as ffdnet:sigma=25; `simulacra copiers` lists them.
    frames
        Frames of the chain to be copied again and again, such as 0,10; 0 is the original.
    replicates
        Copies of each of these frames, for copiers that draw at random or answer differently.
    copies
        In each chain of the basin map, and in which twins are followed.
    twins
        Small differences that are followed beside the chain.
    difference
        Size of such a difference, root mean square, of the range from 0 to 1; codecs round smaller ones away.
    size
        Longest side in pixels: larger pictures are shrunk to it first, smaller ones stay. `original` keeps all.
    seed
        Of every random draw.
    store
        Folder of the run store; otherwise $SIMULACRA_STORE, or ./runs.
    pixel_limit
        Refuse files with more pixels unread, against decompression bombs.
    json_
        Print the probe as JSON, with every interval.
    """
    from simulacra.copying.probe import probe as run_probe
    from simulacra.reports.probe_page import probe_json, sentences, write_probe

    with progress() as watcher:
        found = run_probe(
            pictures,
            copier=copier,
            frames=_frames(frames),
            replicates=replicates,
            copies=copies,
            twins=twins,
            difference=difference,
            size=size,
            seed=seed,
            store=store,
            pixel_limit=pixel_limit,
            watcher=watcher,
        )
    page = found.copied.folder / "probe.html"
    write_probe(found, page)
    if json_:
        print(json.dumps({**probe_json(found), "page": str(page.resolve())}, ensure_ascii=True, allow_nan=False))
        return
    for probed in found.pictures:
        for sentence in sentences(probed):
            print(f"{probed.picture}: {sentence}")
    print(page)


def _frames(text: str) -> tuple[int, ...]:
    """Frames as typed: `0,10`."""
    parts = text.split(",")
    if not all(part.strip().isdecimal() for part in parts):
        raise UserError(f"--frames is {text}; it must be frames such as 0,10")
    return tuple(int(part) for part in parts)

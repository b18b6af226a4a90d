"""Forks: a stored chain up to a frame, then another copier from there on."""

from dataclasses import dataclass
from pathlib import Path

from simulacra.copiers import make
from simulacra.copying.journalled import read_journal
from simulacra.copying.plan import Leg, Source
from simulacra.errors import UserError
from simulacra.images.pixels import pixel_digest
from simulacra.images.webp import decode
from simulacra.runs import Store


@dataclass(frozen=True)
class Fork:
    """Where a new run leaves an older one: the older one's pictures, and its legs cut at a frame."""

    sources: tuple[Source, ...]
    legs: tuple[Leg, ...]

    @property
    def frame(self) -> int:
        """The last frame both runs share."""
        return sum(leg.copies for leg in self.legs)


def open_fork(text: str, store_folder: Path | None) -> Fork:
    """Read `RUN@FRAME`, such as `realesrgan-3f9a2c1b04de@37`.

    The pictures come out of the store, so the files they were read from need not exist any more.

    Raises:
        UserError: the text is not of that form, there is no such run, or it asked for fewer copies.
    """
    name, at, number = text.rpartition("@")
    if not at or not number.isdecimal():
        raise UserError(f"--fork is {text!r}; it must be RUN@FRAME, such as realesrgan-3f9a2c1b04de@37")
    store = Store.open(store_folder, create=False)
    run = store.find(name)
    settings = run.spec["settings"]
    legs = [Leg(make(leg["copier"]), leg["copies"]) for leg in settings["legs"]]
    frame, times = int(number), sum(leg.copies for leg in legs)
    if not 0 < frame <= times:
        raise UserError(f"--fork names frame {frame}; run {run.id} has frames 1 to {times} to fork at")
    frames = read_journal(run).frames
    sources = []
    for picture in settings["pictures"]:
        chains = [chain["name"] for chain in settings["chains"] if chain["picture"] == picture["label"]]
        first = next((frames[name][0] for name in chains if 0 in frames[name]), None)
        if first is None:
            raise UserError(
                f"run {run.id} holds no frame of {picture['label']} yet; continue it first: {run.spec['command']}"
            )
        pixels = decode(store.blobs.get(first.blob))
        sources.append(Source(picture["label"], pixels, pixel_digest(pixels)))
    return Fork(tuple(sources), tuple(_cut(legs, frame)))


def _cut(legs: list[Leg], frame: int) -> list[Leg]:
    kept = []
    for leg in legs:
        copies = min(leg.copies, frame)
        if copies == 0:
            break
        kept.append(Leg(leg.copier, copies))
        frame -= copies
    return kept

"""Building a set: every picture of a source brought to one size and mode, into one zip that others can read."""

import signal
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch

from simulacra.errors import UserError, unknown
from simulacra.images.names import printable
from simulacra.images.resize import FILTERS, Filter
from simulacra.sets.align import SAMPLING, cut_out
from simulacra.sets.fitting import CHANNELS, COLOURS, FITS, Colour, Fit, in_colour, resized, square
from simulacra.sets.layout import DESCRIPTION, Description, entry_name, write_description
from simulacra.sets.picture_set import picture_digest, pixels_digest
from simulacra.sets.sources.contract import Source
from simulacra.sets.writer import new_zip, png, refuse_as_new, refuse_without_space

SMALLEST, LARGEST = 4, 4096
"""Pixels a side that a set may have."""

NAMED = 10
"""Damaged pictures that a message names; it counts the others."""

SHRUNK, ENLARGED = "shrunk", "enlarged"
"""What is told of a picture that was resized."""

_FEW = 256
"""Pictures below which starting a second process costs more than it saves."""

_PIECE = 16
"""Pictures handed to a process at a time."""

Report = Callable[[int, int], None]
"""Told how many pictures are done, of how many."""


@dataclass(frozen=True)
class Rules:
    """How pictures become pictures of a set.

    Args:
        resolution: pixels a side; None keeps the size, which must then be the same for all.
        colour: the channels: `rgb`, `rgba` or `grey`.
        fit: what becomes of a picture that is not square: `refuse`, `crop` its middle, or `pad` with black.
        filter: of `images.resize`.
        align: cut faces out by their landmarks instead.
        label: an attribute whose values become the class numbers that other tools read; None keeps the source's labels.
        skip_corrupt: leave out pictures that are damaged, or to be aligned and without landmarks, and note them in the
            set, instead of refusing to build it.
        limit: take only so many pictures, from the first; None takes all.
        processes: that decode and resize side by side.

    Raises:
        UserError: a value is outside its range.
    """

    resolution: int | None = None
    colour: Colour = "rgb"
    fit: Fit = "refuse"
    filter: Filter = "lanczos"
    align: bool = False
    label: str | None = None
    skip_corrupt: bool = False
    limit: int | None = None
    processes: int = 2

    def __post_init__(self) -> None:
        if self.resolution is not None and not SMALLEST <= self.resolution <= LARGEST:
            raise UserError(f"--resolution is {self.resolution}; it must be {SMALLEST} to {LARGEST} px")
        for option, value, known in (
            ("fit", self.fit, FITS),
            ("filter", self.filter, FILTERS),
            ("colour", self.colour, COLOURS),
        ):
            if value not in known:
                raise unknown(option, value, known)
        if self.align and self.resolution is None:
            raise UserError("--align cuts faces out at any size, so it needs --resolution, such as --resolution 256")
        if self.limit is not None and self.limit < 1:
            raise UserError(f"--limit is {self.limit}; it must be 1 or more")
        if self.processes < 1:
            raise UserError(f"--processes is {self.processes}; it must be 1 or more")


@dataclass(frozen=True)
class Built:
    """What was built."""

    path: Path
    count: int
    resolution: int
    pixels: str  # digest of all pixels in order
    skipped: tuple[tuple[str, str], ...]  # name and reason of each damaged picture that was left out
    converted: Mapping[str, int]  # pictures by what was done to them, in words


@dataclass(frozen=True)
class _Made:
    """One picture of the set, or why there is none."""

    data: bytes = b""
    digest: bytes = b""
    side: int = 0
    told: tuple[str, ...] = ()
    refusal: str = ""  # a rule of the user's is broken
    damage: str = ""


def build(source: Source, path: Path, rules: Rules | None = None, *, report: Report | None = None) -> Built:
    """Build a set from a source.

    The zip is written under another name and appears when it is whole; the same source and rules give the same bytes.

    Args:
        source: of the pictures.
        path: of the new zip.
        rules: None means the defaults of `Rules`.
        report: told how far it is.

    Raises:
        UserError: the path is taken or the disk full; a picture breaks the rules; pictures are damaged and not to be
            skipped, which names them all; or labels are wanted that the source does not have. Nothing is written then.
    """
    rules = rules or Rules()
    refuse_as_new(path)
    count = len(source) if rules.limit is None else min(rules.limit, len(source))
    if rules.label is not None and rules.label not in source.attributes:
        raise unknown("attribute", rules.label, source.attributes)
    if rules.align and not source.points:
        raise UserError(
            f"{source.facts['name']} comes without landmarks, which say where faces are; "
            f"find them with simulacra data landmarks SOURCE OUT.json, then say --landmarks OUT.json"
        )
    if rules.resolution is not None:
        refuse_without_space(path, count, rules.resolution**2 * CHANNELS[rules.colour])

    tally = _Tally(source, rules)
    with new_zip(path) as write, _maker(source, rules, count) as made:
        for index, one in enumerate(made):
            if tally.takes(index, one):
                write(entry_name(len(tally.kept) - 1), one.data)
            if report is not None:
                report(index + 1, count)
        tally.refuse_damaged(count)
        pixels = pixels_digest(tally.digests)
        names = [entry_name(number) for number in range(len(tally.kept))]
        write(DESCRIPTION, write_description(names, _description(source, rules, tally, pixels)))
    return Built(path, len(names), tally.side, pixels, tuple(tally.skipped), tally.converted)


class _Tally:
    """What has gone into the set so far, and what has not."""

    def __init__(self, source: Source, rules: Rules) -> None:
        self._source, self._rules = source, rules
        self._first = ""
        self.side = 0
        self.kept: list[int] = []  # indices in the source
        self.digests: list[bytes] = []
        self.skipped: list[tuple[str, str]] = []
        self.converted: Counter[str] = Counter()

    def takes(self, index: int, one: _Made) -> bool:
        """Whether a picture goes into the set.

        Raises:
            UserError: it breaks a rule.
        """
        name = printable(self._source.names[index])
        if one.refusal:
            raise UserError(one.refusal)
        if one.damage:
            self.skipped.append((name, one.damage))
            return False
        if self.skipped and not self._rules.skip_corrupt:
            return False  # the build is lost: only the other damaged ones are still sought
        if not self.kept:
            self._first, self.side = name, one.side
        if one.side != self.side:
            raise UserError(
                f"{name} is {one.side} px a side and {self._first} is {self.side}; say --resolution, such as "
                f"--resolution {self.side}"
            )
        self.kept.append(index)
        self.digests.append(one.digest)
        self.converted.update(one.told)
        return True

    def refuse_damaged(self, count: int) -> None:
        """End the build if a picture was damaged that may not be left out, or if none is left.

        Raises:
            UserError: names the damaged ones.
        """
        if self.skipped and not self._rules.skip_corrupt:
            named = "; ".join(reason for _, reason in self.skipped[:NAMED])
            more = f"; and {len(self.skipped) - NAMED} more" if len(self.skipped) > NAMED else ""
            raise UserError(
                f"{len(self.skipped)} of {count} pictures cannot be used: {named}{more}; "
                f"say --skip-corrupt to build without them"
            )
        if not self.kept:
            raise UserError(
                f"none of the {count} pictures of {self._source.facts['name']} can be used, "
                f"such as {self.skipped[0][0]}; get them anew"
            )


def _make(source: Source, rules: Rules, index: int) -> _Made:
    """One picture of the set."""
    name = printable(source.names[index])
    try:
        opened = source.read(index, alpha=rules.colour == "rgba")
    except UserError as error:
        return _Made(damage=str(error))
    if rules.align and source.names[index] not in source.points:
        return _Made(damage=f"{name} has no landmarks")
    told = opened.told
    try:
        if rules.align:
            pixels = cut_out(opened.pixels, source.points[source.names[index]], rules.resolution or 0, name)
        else:
            pixels = square(opened.pixels, rules.fit, name)
    except UserError as error:
        return _Made(refusal=str(error))
    if not rules.align and pixels.shape != opened.pixels.shape:
        told += ("cropped to a square" if rules.fit == "crop" else "padded to a square",)
    if rules.resolution is not None and pixels.shape[0] != rules.resolution:
        told += (SHRUNK if pixels.shape[0] > rules.resolution else ENLARGED,)
        pixels = resized(pixels, rules.resolution, rules.filter)
    picture = in_colour(pixels, rules.colour)
    return _Made(png(picture), picture_digest(picture), picture.shape[-1], told)


@contextmanager
def _maker(source: Source, rules: Rules, count: int) -> Iterator[Iterator[_Made]]:
    """Every picture of the set, in order, made in as many processes as the rules say."""
    if rules.processes == 1 or count < _FEW:
        threads = torch.get_num_threads()
        torch.set_num_threads(1)  # a picture is too small for several: they would wait for each other
        try:
            yield (_make(source, rules, index) for index in range(count))
        finally:
            torch.set_num_threads(threads)
        return
    # Not forked: a fork of a process in which torch has started its threads may hang.
    context = get_context("spawn")
    with ProcessPoolExecutor(rules.processes, context, _start_worker, (source, rules)) as pool:
        try:
            yield _in_order(pool, count, ahead=4 * rules.processes)
        finally:
            pool.shutdown(cancel_futures=True)


def _in_order(pool: ProcessPoolExecutor, count: int, ahead: int) -> Iterator[_Made]:
    """The pictures in order, with so many pieces of work under way: a set of millions must not wait in memory."""
    under_way: deque[Future[list[_Made]]] = deque()
    for start in range(0, count, _PIECE):
        under_way.append(pool.submit(_work, range(start, min(start + _PIECE, count))))
        if len(under_way) == ahead:
            yield from under_way.popleft().result()
    for piece in under_way:
        yield from piece.result()


_work_on: tuple[Source, Rules]


def _start_worker(source: Source, rules: Rules) -> None:
    global _work_on
    _work_on = source, rules
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the parent's to answer, in one sentence
    torch.set_num_threads(1)


def _work(indices: range) -> list[_Made]:
    return [_make(*_work_on, index) for index in indices]


def _description(source: Source, rules: Rules, tally: _Tally, pixels: str) -> Description:
    labels = source.labels if rules.label is None else source.attributes[rules.label].codes
    sampling: str | None = rules.filter if {SHRUNK, ENLARGED} & set(tally.converted) else None
    facts: dict[str, Any] = {
        "resolution": tally.side,
        "colour": rules.colour,
        "fit": "aligned by landmarks" if rules.align else rules.fit,
        "filter": SAMPLING if rules.align else sampling,  # None where no picture was resized
        "label": rules.label,  # None where the labels are the source's
        "source": dict(source.facts),
        "converted": dict(sorted(tally.converted.items())),
        "skipped": [list(each) for each in tally.skipped],
        "pixels": pixels,
    }
    return Description(
        labels=None if labels is None else labels[np.array(tally.kept)],
        attributes={name: attribute.take(tally.kept) for name, attribute in source.attributes.items()},
        facts=facts,
    )

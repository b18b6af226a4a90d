"""A probe: what one copy does. Cheaper than many chains, and it tells what chains cannot tell apart.

Copies of one frame, made again and again, split a copy into its bias and its luck. Twins that differ a little tell
whether a difference is forgotten. The leading eigenvalue says what a copy amplifies. Chains from one picture in six
versions, and one more from the end of the first, say whether the end knows its start.

A probe is a run of its own: chains are made as those of any run, every other part is journalled when it is finished,
and the same command continues.
"""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from simulacra.copiers import Copier, Determinism, make
from simulacra.copying.dynamics import jacobian_of_copier, lyapunov
from simulacra.copying.journalled import read_journal
from simulacra.copying.making import Making
from simulacra.copying.plan import ChainPlan, Leg, Source, plan_chains, varies
from simulacra.copying.probe_result import DISTANCE, EVENT, LAB, Probe, estimate_to_json, read_parts, read_probe
from simulacra.copying.probe_starts import AS_GIVEN, END, starts
from simulacra.copying.result import Chain, CopyResult
from simulacra.copying.settled import frame_at
from simulacra.copying.sources import Size, open_sources
from simulacra.errors import UserError
from simulacra.images.open import PIXEL_LIMIT
from simulacra.images.pixels import Pixels, pixel_digest, to_picture, to_pixels
from simulacra.images.webp import encode
from simulacra.measures.meter import ChainMeter, available_channels
from simulacra.runs import Journal, Run, Store
from simulacra.runs.progress import Silent, Watcher
from simulacra.seeds import derive_seed

EXPERIMENT = "probe"
DEFAULT_SIZE = 256
"""Pixels of the longer side: a probe makes many copies of few pictures."""
CHANNELS = ("colour", "structure")

_PRODUCTS = 120  # of the Jacobian with a vector: a copy each, forwards


@dataclass(frozen=True)
class _Asked:
    """What decides a probe's results, beside the copier and the pictures."""

    frames: tuple[int, ...]
    replicates: int
    copies: int
    twins: int
    difference: float
    seed: int


def probe(
    pictures: Sequence[str | Path] | str | Path,
    *,
    copier: str | Copier,
    frames: Sequence[int] = (0,),
    replicates: int = 8,
    copies: int = 20,
    twins: int = 4,
    difference: float = 0.01,
    size: Size = DEFAULT_SIZE,
    seed: int = 0,
    store: Path | None = None,
    pixel_limit: int = PIXEL_LIMIT,
    watcher: Watcher | None = None,
) -> Probe:
    """Ask what one copy does to a few pictures.

    Args:
        pictures: files, or folders of pictures.
        copier: what copies, as `family:key=value,...` or an object.
        frames: of the chain as given, to be copied again and again; 0 is the original.
        replicates: copies of each of these frames; one where the copier draws nothing at random.
        copies: in each chain of the basin map, and in which twins are followed.
        twins: differences that are followed beside the chain; for a copier that answers alike when asked alike.
        difference: of a twin, root mean square, of the range from 0 to 1; 8-bit codecs round smaller ones away.
        size: longest side in pixels; larger pictures are shrunk to it first. "original" keeps all.
        seed: of every random draw.
        store: folder of the run store; None means that of the environment, or `./runs`.
        pixel_limit: files with more pixels are refused unread.
        watcher: hears about progress; None for silence.

    Raises:
        UserError: bad input; nothing has been written then.
    """
    watcher = watcher or Silent()
    wanted = tuple(sorted(set(frames)))
    _check_numbers(wanted, replicates, copies, twins, difference)
    model = make(copier) if isinstance(copier, str) else copier
    model.check()
    files = [Path(pictures)] if isinstance(pictures, str | Path) else [Path(picture) for picture in pictures]
    sources = open_sources(files, size, pixel_limit)
    for source in sources:
        height, width = source.pixels.shape[:2]
        model.size_rule.check(model.specification, width, height)
    asked = _Asked(wanted, replicates, max(copies, *wanted, 1), twins, difference, seed)
    run = Store.open(store).run(
        EXPERIMENT,
        f"probe-{model.family}",
        _identity(sources, model, asked),
        _settings(sources, model, asked),
        _command(files, model, asked, size),
    )
    sources = _as_first_named(sources, run)
    if not varies(model) and replicates > 1:
        watcher.tell(f"{model.specification} draws nothing at random, so one copy of each frame tells all")
    copied = _chains(run, sources, model, asked, watcher)
    _Parts(run, copied, sources, model, asked, watcher).make()
    return read_probe(copied, read_parts(run.events()))


def _check_numbers(frames: tuple[int, ...], replicates: int, copies: int, twins: int, difference: float) -> None:
    if not frames or frames[0] < 0:
        raise UserError(f"--frames is {','.join(map(str, frames)) or 'empty'}; it must be frames such as 0,10")
    for name, count in (("replicates", replicates), ("copies", copies), ("twins", twins)):
        if count < 1:
            raise UserError(f"--{name} is {count}; it must be 1 or more")
    if not 0 < difference <= 0.5:
        raise UserError(f"--difference is {difference}; it must lie above 0 and be at most 0.5 of the range")


def _starts(source: Source, seed: int) -> list[Source]:
    """A picture's versions as sources of chains; one that equals another is left out."""
    found: dict[str, Source] = {}
    for name, pixels in starts(source.pixels, seed).items():
        digest = pixel_digest(pixels)
        found.setdefault(digest, Source(f"{source.label}, {name}", pixels, digest))
    return list(found.values())


def _plans(sources: Sequence[Source], model: Copier, asked: _Asked) -> list[ChainPlan]:
    """A chain from every source, all with the same seeds."""
    return plan_chains(sources, [Leg(model, asked.copies)], [], 1, asked.seed)[0]


def _chains(run: Run, sources: Sequence[Source], model: Copier, asked: _Asked, watcher: Watcher) -> CopyResult:
    """The chains from every start, then those that run on from the end of the chain as given."""
    plans = _plans([start for source in sources for start in _starts(source, asked.seed)], model, asked)
    measured, absent = available_channels(CHANNELS)
    channels = list(measured.values())
    if not all(plan.name in read_journal(run).endings for plan in plans):
        copied = Making(run, plans, channels, absent, watcher).result()
    else:
        copied = Making(run, plans, channels, absent, Silent()).result()
    by_label = {chain.picture: chain for chain in copied.chains}
    ends = []
    for source in sources:
        chain = by_label[f"{source.label}, {AS_GIVEN}"]
        if len(chain.frames) > 1:
            pixels = copied.frame_pixels(chain.frames[-1])
            ends.append(Source(f"{source.label}, {END}", pixels, pixel_digest(pixels)))
    return Making(run, [*plans, *_plans(ends, model, asked)], channels, absent, watcher).result()


class _Parts:
    """Every part of a probe that is no chain."""

    def __init__(
        self,
        run: Run,
        copied: CopyResult,
        sources: Sequence[Source],
        model: Copier,
        asked: _Asked,
        watcher: Watcher,
    ) -> None:
        self._run = run
        self._copied = copied
        self._chains = {
            source.label: chain
            for source in sources
            for chain in copied.chains
            if chain.picture == f"{source.label}, {AS_GIVEN}"
        }
        self._model = model
        self._asked = asked
        self._watcher = watcher

    def make(self) -> None:
        """Make and journal each part that is missing."""
        done = read_parts(self._run.events())
        missing = [name for name in self._names() if name not in done]
        if not missing:
            return
        with self._run.writing() as journal:
            self._watcher.begin("probing single copies", len(missing), 0)
            for number, name in enumerate(missing, 1):
                self._one(name, journal)
                self._watcher.advance(number)
            self._watcher.end(f"{len(missing)} parts")
            journal.finish("done", parts=len(missing))

    def _names(self) -> list[str]:
        replicates = self._asked.replicates if varies(self._model) else 1
        names = []
        for label, chain in self._chains.items():
            there = [frame for frame in self._asked.frames if frame_at(chain, frame) is not None]
            names += [f"local/{label}/{frame}/{number}" for frame in there for number in range(1, replicates + 1)]
            names += [f"twins/{label}", f"eigenvalue/{label}"]
        return names

    def _one(self, name: str, journal: Journal) -> None:
        kind, _, rest = name.partition("/")
        if kind == "local":
            label, frame, number = rest.rsplit("/", 2)
            journal.append(EVENT, part=name, **self._local(self._chains[label], int(frame), int(number)))
        elif kind == "twins":
            journal.append(EVENT, part=name, **self._twins(self._chains[rest]))
        else:
            journal.append(EVENT, part=name, **self._eigenvalue(self._chains[rest]))

    def _pixels(self, chain: Chain, frame: int) -> Pixels:
        index = frame_at(chain, frame)
        if index is None:
            raise RuntimeError(f"chain {chain.name} has no frame {frame}")
        return self._copied.frame_pixels(chain.frames[index])

    def _local(self, chain: Chain, frame: int, number: int) -> dict[str, Any]:
        """One copy of a frame: its mean colour, and how far it is from the frame."""
        picture = to_picture(self._pixels(chain, frame))
        seed = derive_seed(self._asked.seed, "probe", frame, number)
        made, receipts = self._model.copy(picture, [seed], frame + 1)
        if receipts[0].refusal is not None:
            return {"lab": None, "distance": None, "refusal": receipts[0].refusal}
        measured, _ = available_channels(("colour",))
        row = ChainMeter(measured.values()).measure(torch.cat([picture, to_picture(to_pixels(made))]))[1]
        return {"lab": [row["frame"][name] for name in LAB], "distance": row["previous"][DISTANCE]}

    def _twins(self, chain: Chain) -> dict[str, Any]:
        if self._model.determinism is Determinism.NEVER:
            return {
                "undefined": "the copier answers differently when asked again, so twins differ by more than their start"
            }
        found = lyapunov(
            self._model,
            to_picture(self._pixels(chain, 0)),
            copies=self._asked.copies,
            turning=min(10, self._asked.copies // 2),
            twins=self._asked.twins,
            size=self._asked.difference,
            seed=self._asked.seed,
        )
        return {"exponent": estimate_to_json(found.exponent)}

    def _eigenvalue(self, chain: Chain) -> dict[str, Any]:
        if not self._model.differentiable:
            return {"undefined": "the copier is not differentiable"}
        last = len(chain.frames) - 1
        pair = jacobian_of_copier(
            self._model, to_picture(self._pixels(chain, last)), products=_PRODUCTS, seed=self._asked.seed, step=last + 1
        )
        data = encode(to_pixels((0.5 + pair.picture / (2 * pair.picture.abs().max().clamp(min=1e-12))).clamp(0, 1)))
        return {
            "value": [pair.value.real, pair.value.imag],
            "residual": pair.residual,
            "converged": pair.converged,
            "products": pair.products,
            "frame": last,
            "blob": self._run.store.blobs.put(data),
            "bytes": len(data),
        }


def _identity(sources: Sequence[Source], model: Copier, asked: _Asked) -> dict[str, Any]:
    return {
        "pictures": [source.digest for source in sources],
        "operator": model.operator(),
        "frames": list(asked.frames),
        "replicates": asked.replicates,
        "copies": asked.copies,
        "twins": asked.twins,
        "difference": asked.difference,
        "seed": asked.seed,
    }


def _as_first_named(sources: Sequence[Source], run: Run) -> list[Source]:
    """The pictures under the names the run already has: a file may have been renamed since."""
    known = run.spec["settings"]["pictures"]
    labels = {each["digest"]: each["label"].removesuffix(f", {AS_GIVEN}") for each in reversed(known)}
    return [replace(source, label=labels[source.digest]) for source in sources]


def _settings(sources: Sequence[Source], model: Copier, asked: _Asked) -> dict[str, Any]:
    """What reading the run back needs: the same as of a copying run, and which chain is which start."""
    begun = {source.label: _starts(source, asked.seed) for source in sources}
    ends = [replace(source, label=f"{source.label}, {END}", digest="") for source in sources]
    every = _plans([*(start for own in begun.values() for start in own), *ends], model, asked)
    return {
        "times": asked.copies,
        "pictures": [
            {
                "label": plan.source.label,
                "digest": plan.source.digest,
                "width": plan.source.pixels.shape[1],
                "height": plan.source.pixels.shape[0],
                "told": list(plan.source.told),
            }
            for plan in every
        ],
        "legs": [{"copier": model.specification, "copies": asked.copies}],
        "chains": [
            {
                "name": plan.name,
                "picture": plan.source.label,
                "copier": model.specification,
                "control": False,
                "replicate": 1,
                "remedy": None,
            }
            for plan in every
        ],
        "probe": {
            "frames": list(asked.frames),
            "starts": [
                [picture, [*(start.label for start in own), f"{picture}, {END}"]] for picture, own in begun.items()
            ],
        },
    }


def _command(files: Sequence[Path], model: Copier, asked: _Asked, size: Size) -> str:
    """What a person types to make or continue this probe."""
    words = ["simulacra", "probe", *map(str, files), "--copier", model.specification]
    words += ["--frames", ",".join(map(str, asked.frames)), "--replicates", str(asked.replicates)]
    words += ["--copies", str(asked.copies), "--twins", str(asked.twins), "--difference", str(asked.difference)]
    words += ["--size", str(size), "--seed", str(asked.seed)]
    return shlex.join(words).encode(errors="backslashreplace").decode()

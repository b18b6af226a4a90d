"""The pictures of one copier from one or several runs: which chains speak, and which say the same thing twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from simulacra.copying.result import Chain, CopyResult, Ended
from simulacra.errors import UserError


@dataclass(frozen=True)
class Witness:
    """One picture: the untreated chains that start from it, one a replicate, and its control chains."""

    label: str
    chains: tuple[Chain, ...]
    controls: tuple[Chain, ...]


@dataclass(frozen=True)
class Case:
    """Everything that is asked about one copier."""

    copier: str
    witnesses: tuple[Witness, ...]
    copies: int  # the last copy that every chain has, made or repeated by a settled one
    left_out: tuple[str, ...]  # chains that were refused too early, and why


@dataclass
class _Found:
    label: str
    chains: list[Chain] = field(default_factory=list)
    controls: list[Chain] = field(default_factory=list)


def open_case(results: Sequence[CopyResult]) -> Case:
    """Gather the chains of runs by picture; pictures are equal when their pixels are.

    Raises:
        UserError: there is no run or no untreated chain, the chains are of several copiers, a run was forked or is a
            probe, or no chain has a copy.
    """
    if not results:
        raise UserError("a card was asked of no run; name one or more, such as: simulacra card RUN")
    for result in results:
        if "probe" in result.spec["settings"]:
            raise UserError(
                f"run {result.folder.name} is a probe, whose pictures are versions of one; a card needs runs made by "
                "simulacra copy"
            )
        if len(result.spec["settings"].get("legs", ())) > 1:
            raise UserError(
                f"run {result.folder.name} was forked, so its chains are of two copiers; a card needs chains that one "
                "copier made from their start"
            )
    found: dict[str, _Found] = {}
    for result in results:
        for chain in result.chains:
            if chain.remedy is not None:
                continue
            picture = found.setdefault(chain.frames[0].pixels, _Found(chain.picture))
            _add(picture.controls if chain.control else picture.chains, chain)
    spoken = [picture for picture in found.values() if picture.chains]
    copiers = list(dict.fromkeys(chain.copier for picture in spoken for chain in picture.chains))
    if not copiers:
        raise UserError("these runs hold no chain but controls and treated ones; name a run with chains of its copier")
    if len(copiers) > 1:
        raise UserError(
            f"these runs are of {len(copiers)} copiers ({', '.join(copiers)}) and a card is of one; "
            "type a card for each, or simulacra compare"
        )
    everything = [chain for picture in spoken for chain in picture.chains]
    reached = [_reach(chain, results) for chain in everything]
    whole = [
        reach for reach, chain in zip(reached, everything, strict=True) if chain.ending.reason is not Ended.REFUSED
    ]
    copies = min(whole or reached)
    if copies < 1:
        raise UserError(f"{copiers[0]} made no copy in these runs; name a run with one or more")
    witnesses, left_out = [], []
    labels = [picture.label for picture in spoken]
    for number, picture in enumerate(spoken):
        kept = [chain for chain in picture.chains if _reach(chain, results) >= copies]
        left_out += [
            f"{chain.name} was refused after {chain.ending.copies} copies"
            for chain in picture.chains
            if chain not in kept
        ]
        label = (
            picture.label
            if labels.count(picture.label) == 1
            else f"{picture.label} ({labels[: number + 1].count(picture.label)})"
        )
        if kept:
            controls = [chain for chain in picture.controls if _reach(chain, results) >= copies]
            witnesses.append(Witness(label, tuple(kept), tuple(controls)))
    return Case(copiers[0], tuple(witnesses), copies, tuple(left_out))


def _add(chains: list[Chain], chain: Chain) -> None:
    """Add a chain, unless it is the beginning of one that is there; a longer one takes its beginning's place."""
    frames = [frame.pixels for frame in chain.frames]
    for number, other in enumerate(chains):
        there = [frame.pixels for frame in other.frames]
        if chain.copier == other.copier and there[: len(frames)] == frames[: len(there)]:
            if len(frames) > len(there):
                chains[number] = chain
            return
    chains.append(chain)


def _reach(chain: Chain, results: Sequence[CopyResult]) -> int:
    """The last copy of a chain that is known; a settled one is known as far as any run asked."""
    if chain.ending.settled is not None:
        return max(result.times for result in results)
    return len(chain.frames) - 1

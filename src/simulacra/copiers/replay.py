"""A stored chain as a copier: it answers each of its frames with the next one, and nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from pydantic import Field

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt
from simulacra.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.runs import Store


class ReplayParameters(Parameters):
    """Which chain of which run."""

    run: str = Field("", description="id of the run, or the beginning of it")
    chain: int = Field(1, ge=1, description="which of its chains, in the order of its table; the model's come first")
    store: Path | None = Field(None, description="folder of its store; without it the usual one")


@dataclass(frozen=True)
class _Tape:
    """The frames of a chain in order."""

    name: str  # run and chain, for messages
    pixels: tuple[str, ...]  # digest of each frame's pixels
    blobs: tuple[str, ...]
    store: "Store"

    def after(self, digest: str, step: int) -> int | None:
        """Index of the frame after the one given; None where the chain has none.

        A frame may occur twice with different frames after it, where the copier changed from step to step: the one at
        this step counts then.
        """
        last = len(self.pixels) - 1
        if step <= last and self.pixels[step - 1] == digest:
            return step
        return next((place + 1 for place in range(last) if self.pixels[place] == digest), None)


class Replay(Copier):
    """The copies of an earlier run once more: for a relay with it, another size of report, or measures made since."""

    family = "replay"
    summary = "gives the frames of a stored chain again, each in answer to the one before it"
    licence = "that of the chain's copier, for the frames"
    origin = "a run in a store of yours"
    determinism = Determinism.EXACT
    autonomous = False
    Parameters = ReplayParameters
    parameters: ReplayParameters

    def check(self) -> None:
        """Refuse when the run or the chain is not there; see `Copier.check`."""
        self._tape  # noqa: B018 - reading the journal is the check

    def operator(self) -> dict[str, Any]:
        """The frames themselves: the same chain in another store, or under another name, is the same operator."""
        frames = sha256("\n".join(self._tape.pixels).encode()).hexdigest()
        return {"family": self.family, "version": self.version, "parameters": {}, "frames": frames}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Look each picture up in the chain; one that is not there is refused. See `Copier.copy`."""
        import torch

        from simulacra.images.pixels import pixel_digest, to_picture, to_pixels
        from simulacra.images.webp import decode

        tape = self._tape
        copies, receipts = [], []
        for picture in pictures:
            began = perf_counter()
            digest = pixel_digest(to_pixels(picture))
            place = tape.after(digest, step)
            copied, effective, refusal = picture[None], {}, None
            if place is not None:
                copied = to_picture(decode(tape.store.blobs.get(tape.blobs[place]))).to(picture.device)
                effective = {"of": tape.name, "frame": place}
            elif digest in tape.pixels:
                refusal = f"{tape.name} ends with this frame, number {len(tape.pixels) - 1}"
            else:
                refusal = f"{tape.name} does not hold this picture; give it that run's own, at that run's --size"
            copies.append(copied)
            receipts.append(Receipt(perf_counter() - began, effective, refusal=refusal))
        return torch.cat(copies), receipts

    @cached_property
    def _tape(self) -> _Tape:
        """The frames as the journal has them now, without those that are not in the store any more."""
        from simulacra.runs import Store

        if not self.parameters.run:
            raise UserError("copier replay needs a run; type replay:run=ID, with an id of simulacra runs list")
        store = Store.open(self.parameters.store, create=False, readonly=True)
        run = store.find(self.parameters.run)
        chains = run.spec["settings"].get("chains", [])
        number = self.parameters.chain
        if number > len(chains):
            raise UserError(
                f"chain of copier replay is {number}, and run {run.id} has {len(chains)}; give 1 or another"
            )
        name = chains[number - 1]["name"]
        frames: dict[int, Mapping[str, Any]] = {
            event["frame"]: event for event in run.events() if event["event"] == "step" and event["chain"] == name
        }
        whole: list[Mapping[str, Any]] = []
        while (frame := frames.get(len(whole))) is not None and store.blobs.has(frame["blob"]):
            whole.append(frame)
        if len(whole) < 2:
            raise UserError(
                f"chain {number} of run {run.id} holds no copy yet; continue it with: {run.spec['command']}"
            )
        pixels, blobs = (tuple(frame[key] for frame in whole) for key in ("pixels", "blob"))
        return _Tape(f"chain {number} ({name}) of run {run.id}", pixels, blobs, store)

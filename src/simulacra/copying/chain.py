"""The loop: copy the copy, store it, and stop when nothing new can come."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

from simulacra.copiers.contract import Determinism, Receipt
from simulacra.copying.plan import ChainPlan, Leg
from simulacra.copying.result import Ended, Ending, Frame
from simulacra.images.pixels import Pixels, pixel_digest, to_picture, to_pixels
from simulacra.images.webp import decode, encode
from simulacra.runs import Journal, Store


class ChainMaker:
    """Makes the frames of one chain, taking from the store whatever an earlier run already made.

    Each copy starts from the 8-bit frame as stored, never from the tensor the copier returned: what a person would save
    and hand on.
    """

    def __init__(
        self, plan: ChainPlan, store: Store, journal: Journal, machine: str, journalled: dict[int, Frame]
    ) -> None:
        """Prepare a chain.

        Args:
            plan: what to make.
            store: where frames are looked up and kept.
            journal: of the run that is being written.
            machine: digest of what decides bits on this machine.
            journalled: frames this run has already recorded, by index.
        """
        self.plan = plan
        self._store = store
        self._journal = journal
        self._machine = machine
        self._journalled = journalled
        self._held: tuple[str, Pixels] | None = None  # blob and pixels of the newest frame, to spare a decode
        self.made = 0  # copies made anew, none of them from the store
        self.ending: Ending | None = None

    def frames(self) -> Iterator[Frame]:
        """Every frame in order, frame 0 first; `ending` is set when the iterator is exhausted."""
        root = self.plan.root()
        frame = self._recorded(0, root) or self._record(0, root, self.plan.source.pixels, 0.0, None, {})
        yield frame
        seen: dict[str, int] = {}
        for index in range(1, self.plan.copies + 1):
            leg, start = self.plan.leg_at(index)
            if index == start + 1:
                seen = {frame.pixels: start}
            step, seed = self.plan.step(frame.step, index)
            made = self._known(index, step, leg) or self._make(frame, index, step, seed, leg)
            if made is None:
                return
            frame = made
            yield frame
            first = seen.setdefault(frame.pixels, index)
            if first != index and index > self._last_start() and leg.repeats:
                reason = Ended.FIXED_POINT if index - first == 1 else Ended.CYCLE
                self.ending = Ending(reason, index, first, index - first)
                return
        self.ending = Ending(Ended.TIMES, self.plan.copies)

    def _origin(self) -> Tensor:
        return to_picture(self.plan.source.pixels)

    def _last_start(self) -> int:
        return self.plan.copies - self.plan.legs[-1].copies

    def _recorded(self, index: int, step: str) -> Frame | None:
        """The frame as this run journalled it, if it still stands in the store."""
        frame = self._journalled.get(index)
        return frame if frame and frame.step == step and self._store.blobs.has(frame.blob) else None

    def _known(self, index: int, step: str, leg: Leg) -> Frame | None:
        """The frame as this run journalled it, or as another run made it."""
        recorded = self._recorded(index, step)
        if recorded is not None:
            return recorded
        stored = self._store.step(step, self._made_on(leg))
        if stored is None:
            return None
        event = stored.event
        frame = Frame(index, step, event["pixels"], stored.blob, event["seconds"], True, event["receipt"])
        self._append(frame, stored.bytes, stored.machine, event["receipt"])
        return frame

    def _make(self, parent: Frame, index: int, step: str, seed: int, leg: Leg) -> Frame | None:
        picture = to_picture(self._pixels(parent))
        given = picture if leg.remedy is None else leg.remedy.before(picture, self._origin(), index)
        began = perf_counter()
        copies, receipts = leg.asked.copy(given, [seed], index)
        seconds = perf_counter() - began
        refusal = receipts[0].refusal or _unusable(picture, copies)
        if refusal is not None:
            self._journal.append(
                "refused", chain=self.plan.name, frame=index, message=refusal, receipt=_told(receipts[0])
            )
            self.ending = Ending(Ended.REFUSED, index - 1, message=refusal)
            return None
        if leg.remedy is not None:
            copies = leg.remedy.after(copies, picture, self._origin(), index)
        self.made += 1
        return self._record(index, step, to_pixels(copies), seconds, self._made_on(leg), _told(receipts[0]))

    def _made_on(self, leg: Leg) -> str | None:
        """The machine that a copy belongs to; None where the machine decides nothing, or nobody could repeat it."""
        return self._machine if leg.determinism is Determinism.SAME_MACHINE else None

    def _record(
        self,
        index: int,
        step: str,
        pixels: Pixels,
        seconds: float,
        machine: str | None,
        receipt: Mapping[str, Any],
    ) -> Frame:
        data = encode(pixels)
        blob = self._store.blobs.put(data)
        self._held = (blob, pixels)
        frame = Frame(index, step, pixel_digest(pixels), blob, round(seconds, 6), False, receipt)
        self._append(frame, len(data), machine, receipt)
        return frame

    def _append(self, frame: Frame, length: int, machine: str | None, receipt: Mapping[str, Any]) -> None:
        self._journal.append(
            "step",
            chain=self.plan.name,
            frame=frame.index,
            step=frame.step,
            pixels=frame.pixels,
            blob=frame.blob,
            bytes=length,
            machine=machine,
            seconds=frame.seconds,
            reused=frame.reused,
            receipt=receipt,
        )

    def _pixels(self, frame: Frame) -> Pixels:
        if self._held is None or self._held[0] != frame.blob:
            self._held = (frame.blob, decode(self._store.blobs.get(frame.blob)))
        return self._held[1]


def _told(receipt: Receipt) -> dict[str, Any]:
    """What a receipt says beyond the seconds, which the frame has, and the refusal, which is an event of its own."""
    facts = asdict(receipt)
    return {key: value for key, value in facts.items() if key not in ("seconds", "refusal") and value not in (None, {})}


def _unusable(picture: Tensor, copies: Tensor) -> str | None:
    """Why what a copier returned is no copy; a failed copy is an event of the journal, never a frame."""
    if copies.shape != picture.shape:
        return f"the copier returned shape {tuple(copies.shape)} for {tuple(picture.shape)}"
    if not bool(torch.isfinite(copies).all()):
        return "the copier returned values that are not finite"
    return None

"""One attempt at a run: chains first, the model's before the controls, then the measures of each."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import asdict
from itertools import groupby
from threading import Event, Lock

from simulacra.copying.chain import ChainMaker
from simulacra.copying.energy import energy_meter
from simulacra.copying.journalled import Journalled, ended_event, read_journal
from simulacra.copying.measuring import measure_chain, protocol
from simulacra.copying.plan import ChainPlan
from simulacra.copying.read import read_result
from simulacra.copying.result import CopyResult, Ended, Ending, Frame
from simulacra.errors import UserError
from simulacra.measures.contract import Channel
from simulacra.runs import Journal, Run, machine_digest, manifest
from simulacra.runs.progress import Watcher

Made = tuple[list[Frame], Ending]
"""A finished chain."""


class Making:
    """Brings a run from where its journal stands to its end."""

    def __init__(
        self,
        run: Run,
        plans: Sequence[ChainPlan],
        channels: Sequence[Channel],
        absent: dict[str, str],
        watcher: Watcher,
    ) -> None:
        """Prepare an attempt; nothing is read or written yet.

        Args:
            run: whose chains are made.
            plans: its chains, under the names the run has for them.
            channels: what to measure.
            absent: channel -> why it is not measured.
            watcher: hears about progress.
        """
        self._run = run
        self._plans = plans
        self._channels = channels
        self._absent = absent
        self._watcher = watcher
        self._protocol = protocol(channels)

    def result(self) -> CopyResult:
        """Make and measure what is missing, and read the run back.

        Raises:
            UserError: another process writes this run, the store cannot be written, or a copier cannot go on.
        """
        journalled = read_journal(self._run)
        if self._run.done is None or not self._complete(journalled):
            with self._run.writing() as journal:
                journalled = read_journal(self._run)  # another process may have written until the lock was free
                self._work(journal, journalled)
            journalled = read_journal(self._run)
        else:
            self._watcher.tell(f"run {self._run.id} was already complete; nothing was copied again")
        return read_result(self._run, journalled)

    def _complete(self, journalled: Journalled) -> bool:
        """Whether every chain has ended well, its frames are in the store, and this installation measured them."""
        for plan in self._plans:
            ending = journalled.endings.get(plan.name)
            if ending is None or ending.reason is Ended.REFUSED:
                return False
            if len(journalled.values(self._protocol, plan.name)) <= ending.copies:
                return False
            if not all(self._run.store.blobs.has(frame.blob) for frame in journalled.frames[plan.name].values()):
                return False
        return True

    def _work(self, journal: Journal, journalled: Journalled) -> None:
        machine = machine_digest(manifest())
        if journalled.machines - {machine}:
            self._watcher.tell(
                "earlier frames of this run were made by another machine or other versions; they are kept, and from "
                "here on copies may differ in their last bits from what that machine would have made"
            )
        makers = [
            ChainMaker(plan, self._run.store, journal, machine, journalled.frames[plan.name]) for plan in self._plans
        ]
        self._meter = energy_meter()
        chains: dict[str, Made] = {}
        with self._metered(makers, journal):
            for together, group in groupby(makers, lambda maker: maker.plan.concurrency):
                chains |= self._make_all(list(group), together, journal, journalled)
        self._measure(chains, journal, journalled)
        refused = [name for name, (_, ending) in chains.items() if ending.reason is Ended.REFUSED]
        copies = sum(ending.copies for _, ending in chains.values())
        journal.finish("failed" if refused else "done", chains=len(chains), copies=copies)

    @contextmanager
    def _metered(self, makers: Sequence[ChainMaker], journal: Journal) -> Iterator[None]:
        """Journal the energy of the copies made in the block; when it ends early, as far as the disk still takes it."""
        try:
            yield
        except BaseException:
            with suppress(UserError, OSError):
                self._tell_energy(makers, journal)
            raise
        self._tell_energy(makers, journal)

    def _tell_energy(self, makers: Sequence[ChainMaker], journal: Journal) -> None:
        if copies := sum(maker.made for maker in makers):
            journal.append("energy", **asdict(self._meter.energy(copies)))

    def _make_all(
        self, makers: Sequence[ChainMaker], together: int, journal: Journal, journalled: Journalled
    ) -> dict[str, Made]:
        """Make chains, up to `together` of them at the same time."""
        if together == 1 or len(makers) == 1:
            return {maker.plan.name: self._make(maker, journal, journalled) for maker in makers}
        copies = sum(maker.plan.copies for maker in makers)
        self._watcher.begin(f"copying {len(makers)} chains, {min(together, len(makers))} at a time", copies, 0)
        with _pooled(together, _Counted(self._watcher)) as (pool, counted):
            futures = {
                pool.submit(self._follow, maker, journal, journalled, counted): maker.plan.name for maker in makers
            }
            made = {futures[future]: future.result() for future in as_completed(futures)}
        self._watcher.end(f"{sum(ending.copies for _, ending in made.values())} copies")
        for name, (frames, ending) in sorted(made.items()):
            self._watcher.tell(f"{name}: {describe(ending, sum(frame.reused for frame in frames))}")
        return {maker.plan.name: made[maker.plan.name] for maker in makers}

    def _make(self, maker: ChainMaker, journal: Journal, journalled: Journalled) -> Made:
        self._watcher.begin(f"copying {maker.plan.name}", maker.plan.copies, 0)
        frames, ending = self._follow(maker, journal, journalled, _Counted(self._watcher))
        self._watcher.end(describe(ending, sum(frame.reused for frame in frames)))
        return frames, ending

    def _follow(self, maker: ChainMaker, journal: Journal, journalled: Journalled, counted: "_Counted") -> Made:
        """Every frame of a chain, and how it ended."""
        frames = []
        for frame in maker.frames():
            frames.append(frame)
            self._meter.read()
            counted.one(frame)
        if maker.ending is None:
            raise RuntimeError(f"chain {maker.plan.name} stopped without an ending")
        if maker.ending != journalled.endings.get(maker.plan.name):
            journal.append("ended", **ended_event(maker.plan.name, maker.ending))
        return frames, maker.ending

    def _measure(self, chains: dict[str, Made], journal: Journal, journalled: Journalled) -> None:
        known = journalled.protocol
        if known is None or known["protocol"] != self._protocol or known["absent"] != self._absent:
            entries = {channel.name: [asdict(measure) for measure in channel.measures] for channel in self._channels}
            journal.append("protocol", protocol=self._protocol, channels=entries, absent=self._absent)
        self._watcher.begin("measuring", sum(len(frames) for frames, _ in chains.values()), 0)
        before = 0
        for name, (frames, _) in chains.items():
            measured = journalled.values(self._protocol, name)
            count = measure_chain(name, frames, measured, self._channels, self._run.store, journal)
            for done in count:
                self._watcher.advance(before + done)
            before += len(frames)
        self._watcher.end(f"{before} frames")


class _Stopped(Exception):
    """Another chain of the same pool failed, or the person interrupted; this one stops between two copies."""


class _Counted:
    """Copies made so far, counted over the chains that are made at the same time."""

    def __init__(self, watcher: Watcher) -> None:
        self._watcher = watcher
        self._copies = 0
        self._lock = Lock()
        self.stop = Event()

    def one(self, frame: Frame) -> None:
        """A frame is in the store.

        Raises:
            _Stopped: no further one is wanted.
        """
        if frame.index:
            with self._lock:
                self._copies += 1
                self._watcher.advance(self._copies)
        if self.stop.is_set():
            raise _Stopped


@contextmanager
def _pooled(together: int, counted: _Counted) -> Iterator[tuple[ThreadPoolExecutor, _Counted]]:
    """A pool that, when its block ends early, lets each copy in flight end and starts no other."""
    with ThreadPoolExecutor(together) as pool:
        try:
            yield pool, counted
        except BaseException:
            counted.stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def describe(ending: Ending, reused: int = 0) -> str:
    """How a chain ended, in a few words."""
    words = {
        Ended.TIMES: f"{ending.copies} copies",
        Ended.FIXED_POINT: f"an exact fixed point at frame {ending.settled}",
        Ended.CYCLE: f"a cycle of period {ending.period} from frame {ending.settled}",
        Ended.REFUSED: f"stopped after {ending.copies} copies: {ending.message}",
    }[ending.reason]
    return f"{words}, {reused} of them from the store" if reused else words

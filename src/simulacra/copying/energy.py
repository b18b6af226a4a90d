"""Energy that the machine's own counters measured while chains were made; where there is none, nobody guesses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Protocol

_POWERCAP = Path("/sys/class/powercap")
"""Where Linux shows the RAPL counters of Intel and AMD processors; most systems let only root read them."""


class Counter(Protocol):
    """A counter of energy that only rises, until it starts again at zero."""

    name: str
    """What it counts, such as "processor package-0"."""
    range_joules: float | None
    """At which value it starts again; None where it never does."""

    def joules(self) -> float:
        """What it shows now.

        Raises:
            OSError: it cannot be read any more.
        """


@dataclass(frozen=True)
class Energy:
    """What one attempt at a run took, by counter. A counter counts everything its part did meanwhile, for anybody."""

    joules: Mapping[str, float]  # counter -> joules; empty where nothing could be read
    copies: int  # made meanwhile
    reason: str = ""  # why there is no counter, or why one fell silent

    @property
    def total_joules(self) -> float | None:
        """The sum over counters; None where there is none."""
        return sum(self.joules.values()) if self.joules else None


class EnergyMeter:
    """Adds up what counters show. Read it at least once between two restarts of a counter: every copy will do."""

    def __init__(self, counters: Sequence[Counter], reason: str = "") -> None:
        """Start counting from now.

        Args:
            counters: of this machine; those that cannot be read are left out.
            reason: why there are none.
        """
        self._reason = reason
        self._counters: list[Counter] = []
        self._shown: dict[str, float] = {}
        self._lock = Lock()
        for counter in counters:
            try:
                self._shown[counter.name] = counter.joules()
            except OSError as error:
                self._reason = f"the energy counter of {counter.name} cannot be read ({error.strerror})"
            else:
                self._counters.append(counter)
        self._joules = dict.fromkeys(self._shown, 0.0)

    def read(self) -> None:
        """Take what the counters counted since the last reading."""
        with self._lock:
            for counter in list(self._counters):
                try:
                    now = counter.joules()
                except OSError as error:
                    self._reason = f"the energy counter of {counter.name} fell silent ({error.strerror})"
                    self._counters.remove(counter)
                    del self._joules[counter.name]  # a part would pass for the whole
                    continue
                gained = now - self._shown[counter.name]
                if gained < 0:
                    gained += counter.range_joules or 0.0
                self._joules[counter.name] += max(0.0, gained)
                self._shown[counter.name] = now

    def energy(self, copies: int) -> Energy:
        """What was taken since the start.

        Args:
            copies: made meanwhile.
        """
        self.read()
        return Energy({name: round(joules, 3) for name, joules in self._joules.items()}, copies, self._reason)


def energy_meter() -> EnergyMeter:
    """A meter over every counter of this machine: processors by RAPL, NVIDIA GPUs by NVML."""
    counters: list[Counter] = [*_processors(_POWERCAP), *_gpus()]
    return EnergyMeter(counters, "" if counters else "this machine shows no energy counter (RAPL or NVML)")


class Rapl:
    """One processor package, by Linux' powercap files."""

    def __init__(self, folder: Path) -> None:
        """Name the counter in a folder such as `/sys/class/powercap/intel-rapl:0`.

        Raises:
            OSError: its files cannot be read.
            ValueError: they hold no numbers.
        """
        self._file = folder / "energy_uj"
        self.name = f"processor {(folder / 'name').read_text().strip()}"
        self.range_joules: float | None = int((folder / "max_energy_range_uj").read_text()) / 1e6

    def joules(self) -> float:
        """See `Counter.joules`."""
        return int(self._file.read_text()) / 1e6


def _processors(powercap: Path) -> list[Counter]:
    """Packages only: their parts, `intel-rapl:0:1`, are counted in them."""
    found: list[Counter] = []
    for folder in sorted(powercap.glob("intel-rapl:*")):
        if folder.name.count(":") == 1:
            try:
                found.append(Rapl(folder))
            except (OSError, ValueError):
                continue
    return found


class Nvml:
    """One NVIDIA GPU, by the driver's own counter (Volta and later)."""

    range_joules: float | None = None

    def __init__(self, index: int) -> None:
        """Name the counter of the GPU of this index, as NVML numbers them.

        Raises:
            pynvml.NVMLError: it has none.
        """
        import pynvml

        self._nvml = pynvml
        self._device = pynvml.nvmlDeviceGetHandleByIndex(index)
        self.name = f"GPU {index} {pynvml.nvmlDeviceGetName(self._device)}"
        self.joules()

    def joules(self) -> float:
        """See `Counter.joules`."""
        try:
            return float(self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._device)) / 1e3
        except self._nvml.NVMLError as error:
            raise OSError(0, str(error)) from error


def _gpus() -> list[Counter]:
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # not installed, or no driver: either way there is nothing to count
        return []
    found: list[Counter] = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            found.append(Nvml(index))
        except (OSError, pynvml.NVMLError):
            continue
    return found

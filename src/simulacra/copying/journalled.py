"""What a run's journal says happened: frames, endings and values by chain. Nothing else is asked."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from simulacra.copying.energy import Energy
from simulacra.copying.measuring import from_json
from simulacra.copying.result import Ended, Ending, Frame, Reference
from simulacra.measures.meter import FrameValues
from simulacra.runs import Run


@dataclass
class Journalled:
    """A journal, read once from start to end."""

    frames: dict[str, dict[int, Frame]] = field(default_factory=lambda: defaultdict(dict))
    endings: dict[str, Ending] = field(default_factory=dict)
    machines: set[str] = field(default_factory=set)
    """Digests of the machines that made frames whose bits depend on the machine."""
    protocol: Mapping[str, Any] | None = None
    """The newest protocol event: how the values below were measured."""
    refusals: list[Mapping[str, Any]] = field(default_factory=list)
    """Receipts of the copies that were asked for and not made."""
    energy: list[Energy] = field(default_factory=list)
    """What each attempt took that made copies."""
    _values: dict[str, dict[str, dict[int, Mapping[Reference, Any]]]] = field(default_factory=dict)

    def values(self, protocol: str | None, chain: str) -> dict[int, FrameValues]:
        """Values of a chain's frames under one protocol; frames without any are missing."""
        rows = self._values.get(protocol or "", {}).get(chain, {})
        return {index: from_json(row) for index, row in rows.items()}

    def take(self, event: Mapping[str, Any]) -> None:
        """Add one event; later ones replace earlier ones."""
        match event["event"]:
            case "step":
                frame = Frame(
                    event["frame"],
                    event["step"],
                    event["pixels"],
                    event["blob"],
                    event["seconds"],
                    event["reused"],
                    event["receipt"],
                )
                self.frames[event["chain"]][frame.index] = frame
                if event["machine"] is not None:
                    self.machines.add(event["machine"])
            case "ended":
                ending = event["ending"]
                self.endings[event["chain"]] = Ending(**{**ending, "reason": Ended(ending["reason"])})
            case "refused":
                self.refusals.append(event["receipt"])
            case "energy":
                self.energy.append(Energy(event["joules"], event["copies"], event["reason"]))
            case "protocol":
                self.protocol = event
            case "measures":
                rows = self._values.setdefault(event["protocol"], {}).setdefault(event["chain"], {})
                rows[event["frame"]] = event["values"]


def read_journal(run: Run) -> Journalled:
    """Read a run's journal.

    Raises:
        UserError: a line in its middle is damaged.
    """
    journalled = Journalled()
    for event in run.events():
        journalled.take(event)
    return journalled


def ended_event(chain: str, ending: Ending) -> dict[str, Any]:
    """The fields of the event that records how a chain ended."""
    return {"chain": chain, "ending": {**asdict(ending), "reason": ending.reason.value}}

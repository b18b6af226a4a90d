"""What the journal of an arm says happened: fits, rounds, and what stopped it. Nothing else is asked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from simulacra.autophagy.lineage import Recipe
from simulacra.autophagy.record import Reference, Round
from simulacra.runs import Run


@dataclass(frozen=True)
class Fit:
    """One fit, as its `step` event holds it."""

    step: str  # identity
    blob: str  # of the model
    recipe: Recipe
    pool: str  # digest
    chosen: Mapping[int, str]  # by place among the segments: blob of the places that curation or verification chose
    reused: bool

    @classmethod
    def of(cls, event: Mapping[str, Any]) -> "Fit":
        """The fit of an event."""
        return cls(
            event["step"],
            event["blob"],
            Recipe.model_validate(event["recipe"]),
            event["pool"],
            {int(place): blob for place, blob in event["chosen"].items()},
            event["reused"],
        )


@dataclass
class Journalled:
    """A journal, read once from start to end."""

    fits: dict[int, Fit] = field(default_factory=dict)
    rounds: dict[int, Round] = field(default_factory=dict)
    reference: Reference | None = None
    stopped: str | None = None
    """Why the newest attempt ended before its time."""
    machines: set[str] = field(default_factory=set)

    def take(self, event: Mapping[str, Any]) -> None:
        """Add one event; later ones replace earlier ones."""
        match event["event"]:
            case "step":
                self.fits[event["frame"]] = Fit.of(event)
                self.machines.add(event["machine"])
            case "round":
                made = Round.model_validate(event["round"])
                self.rounds[made.generation] = made
            case "reference":
                self.reference = Reference.model_validate(event["reference"])
            case "attempt":
                self.stopped = None  # it stops again, or does not
            case "stopped":
                self.stopped = event["cause"]

    def whole(self, run: Run, number: int) -> bool:
        """Whether a round is journalled, and all that it names is in the store."""
        if number not in self.rounds or number not in self.fits:
            return False
        made = self.rounds[number]
        named = [made.model, *([made.shown] if made.shown is not None else []), *self.fits[number].chosen.values()]
        return all(run.store.blobs.has(blob) for blob in named)


def read_journal(run: Run) -> Journalled:
    """Read the journal of an arm.

    Raises:
        UserError: a line in its middle is damaged.
    """
    journalled = Journalled()
    for event in run.events():
        journalled.take(event)
    return journalled

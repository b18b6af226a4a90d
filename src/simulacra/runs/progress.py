"""What a long run tells whoever watches it. The library says nothing by itself; the command line shows bars."""

from typing import Protocol


class Watcher(Protocol):
    """Hears where a run stands."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """A stage starts.

        Args:
            stage: what is being done, such as "copying astronaut with jpeg:quality=90".
            total: its steps.
            done: steps that an earlier attempt already did.
        """

    def advance(self, done: int) -> None:
        """`done` steps of the current stage are safely stored."""

    def end(self, outcome: str) -> None:
        """The current stage ends; `outcome` says how, in a few words."""

    def tell(self, sentence: str) -> None:
        """Something the person should know: a conversion, a reuse, an absent channel."""


class Silent:
    """A watcher that shows nothing."""

    def begin(self, stage: str, total: int, done: int) -> None:
        """Nothing."""

    def advance(self, done: int) -> None:
        """Nothing."""

    def end(self, outcome: str) -> None:
        """Nothing."""

    def tell(self, sentence: str) -> None:
        """Nothing."""

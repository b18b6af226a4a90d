"""The budget: one purse for all hosted copiers of a command, asked before each call and told after it."""

from functools import cache
from threading import Lock

from simulacra.copiers.hosted.settings import budget_usd

_ROUNDING = 1e-9
"""US dollars that sums of floats may be off by; a thousand times less than any call costs."""


class Budget:
    """Money that parallel calls share.

    A call reserves what it is expected to cost and settles what it did cost, so that calls in flight count too. They
    stay within the limit together, as long as none costs more than was expected of it.
    """

    def __init__(self, limit_usd: float | None = None) -> None:
        """A purse holding `limit_usd` US dollars; None for no limit."""
        self.limit_usd = limit_usd
        self._spent = 0.0
        self._reserved = 0.0
        self._lock = Lock()

    @property
    def spent_usd(self) -> float:
        """US dollars settled so far."""
        return self._spent

    def reserve(self, expected_usd: float) -> bool:
        """Set money aside for a call; False, and nothing is set aside, when the call might exceed the limit."""
        with self._lock:
            total = self._spent + self._reserved + expected_usd
            if self.limit_usd is not None and total > self.limit_usd + _ROUNDING:
                return False
            self._reserved += expected_usd
            return True

    def settle(self, expected_usd: float, spent_usd: float) -> None:
        """Put back what a call had reserved, and take what it cost."""
        with self._lock:
            self._reserved -= expected_usd
            self._spent += spent_usd


def shared_budget() -> Budget:
    """The purse of this process, as large as the environment says.

    Raises:
        UserError: the environment variable holds no positive number.
    """
    return _purse(budget_usd())


@cache
def _purse(limit_usd: float | None) -> Budget:
    return Budget(limit_usd)

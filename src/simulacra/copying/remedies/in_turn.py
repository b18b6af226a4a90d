"""Several remedies as one: each does its part, in the order they are named."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from simulacra.copiers.contract import Copier, Determinism
from simulacra.copying.remedies.contract import Remedy

if TYPE_CHECKING:
    from torch import Tensor


class InTurn(Remedy):
    """A treatment with several remedies. What one leaves, the next is given; so a mask, to hold exactly, comes last."""

    family = "+"
    summary = "several remedies, one after the other"
    origin = "those of its remedies"

    def __init__(self, remedies: Sequence[Remedy]) -> None:
        """Join remedies.

        Args:
            remedies: two or more, in the order in which they act.
        """
        super().__init__()
        self.remedies = tuple(remedies)
        # Facts of a class for a single remedy; here they follow from the parts.
        self.determinism = Determinism.weakest(each.determinism for each in remedies)  # type: ignore[misc]
        self.autonomous = all(each.autonomous for each in remedies)  # type: ignore[misc]

    @property
    def specification(self) -> str:
        """The specifications of its remedies with `+` between them."""
        return "+".join(each.specification for each in self.remedies)

    def copier(self, copier: Copier) -> Copier:
        """The copier as all of them change it; see `Remedy.copier`."""
        for each in self.remedies:
            copier = each.copier(copier)
        return copier

    def check(self, width: int, height: int) -> tuple[str, ...]:
        """Refuse what one of them refuses; see `Remedy.check`."""
        return tuple(sentence for each in self.remedies for sentence in each.check(width, height))

    def before(self, parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """What the copier is given after all of them; see `Remedy.before`."""
        for each in self.remedies:
            parent = each.before(parent, origin, step)
        return parent

    def after(self, copy: "Tensor", parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """What becomes of the copy after all of them; see `Remedy.after`."""
        for each in self.remedies:
            copy = each.after(copy, parent, origin, step)
        return copy

    def operator(self) -> dict[str, Any]:
        """The operators of its remedies in their order."""
        return {"family": self.family, "remedies": [each.operator() for each in self.remedies]}

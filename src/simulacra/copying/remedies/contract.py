"""The contract of a remedy: what is done around each copy to keep a chain near its original."""

from typing import TYPE_CHECKING, Any, ClassVar

from simulacra.copiers.contract import Copier, Determinism
from simulacra.specification import Specified

if TYPE_CHECKING:
    from torch import Tensor


class Remedy(Specified):
    """A countermeasure against drift. It changes the copier, what the copier is given, or what it gives back.

    A frame of a treated chain is the treated copy: what a person would save and hand on. Every method is a plain
    function of its arguments, so that a treated chain resumes, forks and is found again in the store like any other.
    """

    version: ClassVar[int] = 1
    """Raised whenever the same parameters would give other pictures; part of every step's identity."""
    summary: ClassVar[str]
    origin: ClassVar[str]
    """Where the method comes from: paper, project, users' practice."""
    determinism: ClassVar[Determinism] = Determinism.SAME_MACHINE
    """How far the treatment can be repeated bit for bit; a treated copy is as sure as the less sure of the two."""
    autonomous: ClassVar[bool] = True
    """Whether it does the same at every step; only then does an exact repeat prove a fixed point or a cycle."""

    def copier(self, copier: Copier) -> Copier:
        """The copier that is asked in place of `copier`.

        Raises:
            UserError: this copier has nothing that the remedy could change.
        """
        return copier

    def check(self, width: int, height: int) -> tuple[str, ...]:
        """Refuse what would stop the first copy of a picture of this size in pixels, before anything is written.

        Returns:
            One short sentence for everything that is done so that it fits.

        Raises:
            UserError: it cannot treat such a picture; the message says what to type.
        """
        return ()

    def before(self, parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """What the copier is given in place of frame k-1.

        Args:
            parent: frame k-1, shape (1, 3, H, W), float32, sRGB in [0, 1].
            origin: frame 0, of the same shape.
            step: k, 1 for the first copy.

        Returns:
            A picture of the same shape, dtype and range.
        """
        return parent

    def after(self, copy: "Tensor", parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """What becomes frame k in place of the copy.

        Args:
            copy: what the copier made, shape (1, 3, H, W), float32, sRGB in [0, 1].
            parent: frame k-1, as it is in the chain.
            origin: frame 0.
            step: k, 1 for the first copy.

        Returns:
            A picture of the same shape, dtype and range.
        """
        return copy

    def operator(self) -> dict[str, Any]:
        """What decides how pictures are treated: the remedy's part of a step's identity; fit for canonical JSON."""
        return {
            "family": self.family,
            "version": self.version,
            "parameters": self.parameters.model_dump(mode="json"),
        }

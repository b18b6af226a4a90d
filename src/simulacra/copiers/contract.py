"""The contract of a copier: picture in, picture of the same size out, with a receipt of what was really done."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar

from simulacra.errors import UserError
from simulacra.specification import Parameters as Parameters  # part of the contract: every copier has its own
from simulacra.specification import Specified

if TYPE_CHECKING:  # so that copiers are listed and their parameters checked without importing torch
    from torch import Tensor


class Determinism(StrEnum):
    """How far a copy can be repeated bit for bit, which decides where a stored one may be reused."""

    EXACT = "exact"
    """On any machine: integer arithmetic, or a pinned codec."""
    SAME_MACHINE = "same-machine"
    """Where hardware, library versions and thread count are equal."""
    NEVER = "never"
    """Remote services and everything else that answers differently when asked again."""

    @classmethod
    def weakest(cls, classes: "Iterable[Determinism]") -> "Determinism":
        """The class of what is made by several in turn: that of the least sure one; exact when there is none."""
        return max(classes, key=list(cls).index, default=cls.EXACT)


@dataclass(frozen=True)
class SizeRule:
    """Which picture sizes a copier takes, in pixels, and what it does to the others."""

    smallest: int = 1
    largest: int = 16383  # of a WebP frame
    multiple: int = 1  # the network's stride; other sizes are padded by reflection and cropped back, never resized

    def __str__(self) -> str:
        padding = f", padded to a multiple of {self.multiple}" if self.multiple > 1 else ""
        return f"{self.smallest} to {self.largest} px{padding}"

    def check(self, copier: str, width: int, height: int) -> None:
        """Refuse a size outside the rule.

        Raises:
            UserError: a side is too short or too long.
        """
        if min(width, height) < self.smallest or max(width, height) > self.largest:
            raise UserError(
                f"a picture of {width}x{height} px does not fit copier {copier}: each side must be "
                f"{self.smallest} to {self.largest} px; choose another --size"
            )


@dataclass(frozen=True)
class Receipt:
    """What was really done for one copy. None means that it does not apply, or that nobody measured it."""

    seconds: float
    effective: Mapping[str, Any] = field(default_factory=dict)  # parameters as used, paddings, resizes, model snapshot
    cost_usd: float | None = None
    tokens: int | None = None
    refusal: str | None = None
    sent: str | None = None  # digest of the bytes sent to a remote service
    received: str | None = None


class Copier(Specified, ABC):
    """A map picture -> picture of the same size, with its parameters and weights.

    A subclass states its facts as class attributes and loads nothing until `copy` is first called, so that listing
    and checking parameters stay cheap; torch too is imported in the methods that need it. Where a fact follows from the
    parameters, the object states it again: the class then says what holds for the defaults.
    """

    version: ClassVar[int] = 1
    """Raised whenever the same parameters would give other pictures; part of every step's identity."""
    summary: ClassVar[str]
    licence: ClassVar[str]
    origin: ClassVar[str]
    """Where the method and its weights come from: paper, project, package."""
    determinism: Determinism
    differentiable: bool = False
    seeded: bool = False
    """Whether the copy depends on the seed; a copier that is not seeded gives equal replicates."""
    autonomous: ClassVar[bool] = True
    """Whether the map is the same at every step; only then does an exact repeat prove a fixed point or a cycle."""
    concurrency: ClassVar[int] = 1
    """Chains that it copies well at the same time: above 1 where copying is mostly waiting for somebody else."""
    control: ClassVar[bool] = False
    """Whether it is meant as a control: no trained model inside."""
    extra: ClassVar[str | None] = None
    """The extra of simulacra that installs what it runs on."""
    size_rule: SizeRule = SizeRule()

    @abstractmethod
    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Copy a batch of pictures once.

        Args:
            pictures: shape (N, 3, H, W), float32, sRGB in [0, 1].
            seeds: N seeds, one a picture; ignored unless `seeded`.
            step: which copy this is, 1 for the first; ignored when `autonomous`.

        Returns:
            Pictures of the same shape, dtype and range, and one receipt each.

        Raises:
            MissingExtra, MissingWeights: it cannot run here; the message says what to type.
        """

    def check(self) -> None:
        """Refuse what would stop the first copy, without the work: a missing package or missing weights.

        Raises:
            MissingExtra, MissingWeights: it cannot run here; the message says what to type.
        """

    def weights(self) -> dict[str, str]:
        """Digest (SHA-256, hex) of each weight file by name; empty for a copier without weights.

        Raises:
            MissingWeights: a file is not on this machine.
        """
        return {}

    def weight_names(self) -> tuple[str, ...]:
        """Entries of the weights table that this copier's parameters ask for."""
        return ()

    def resize_path(self) -> str | None:
        """The specification of the control that does this copier's resizing and nothing else; None without resizing."""
        return None

    def fidelity(self) -> Mapping[str, Any]:
        """Parameters that keep a copy nearer to its original, each as far as is still useful; empty without any.

        The remedy `higher-fidelity` sets them, but for one whose value is beyond already, seen from its default.
        """
        return {}

    def operator(self) -> dict[str, Any]:
        """What decides the pictures this copier makes, and so the core of a step's identity; fit for canonical JSON."""
        return {
            "family": self.family,
            "version": self.version,
            "parameters": self.parameters.model_dump(mode="json"),
            "weights": self.weights(),
        }

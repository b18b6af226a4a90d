"""A relay: several copiers take turns, each copying what the one before it made."""

from collections.abc import Sequence
from dataclasses import replace
from math import lcm
from typing import TYPE_CHECKING, Any

from pydantic import Field, field_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt, SizeRule
from simulacra.copiers.specification import make
from simulacra.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

NEXT, COMMA = "|", ";"
"""Between two copiers, and in place of a comma within one: a comma would end the relay's own parameter."""


class RelayParameters(Parameters):
    """Who takes turns."""

    copiers: str = Field(
        "",
        description="two or more specifications with | between them and ; in place of their commas: "
        "'jpeg:quality=60;subsampling=4:4:4|webp'",
    )

    @field_validator("copiers")
    @classmethod
    def _two_or_more(cls, text: str) -> str:
        members = [member.strip() for member in text.split(NEXT)] if text else []
        if members and (len(members) < 2 or not all(members)):
            raise ValueError(f"copiers is {text!r}; it must be two or more specifications with {NEXT} between them")
        return NEXT.join(members)


class Relay(Copier):
    """Copy 1 is made by the first copier, copy 2 by the second, and after the last the first comes again."""

    family = "relay"
    summary = "lets several copiers take turns, each copying what the one before it made"
    licence = "those of its copiers"
    origin = "Simulacra; its copiers as they say"
    determinism = Determinism.EXACT
    autonomous = False
    Parameters = RelayParameters
    parameters: RelayParameters

    def __init__(self, parameters: RelayParameters | None = None) -> None:
        """Make the copiers that take turns.

        Raises:
            UserError: one of them is unknown, or a parameter of it breaks its rule.
        """
        super().__init__(parameters)
        listed = self.parameters.copiers
        self.copiers = [make(member.replace(COMMA, ",")) for member in listed.split(NEXT)] if listed else []
        self.determinism = Determinism.weakest(each.determinism for each in self.copiers)
        self.seeded = any(each.seeded for each in self.copiers)
        self.differentiable = bool(self.copiers) and all(each.differentiable for each in self.copiers)
        if self.copiers:
            rules = [each.size_rule for each in self.copiers]
            self.size_rule = SizeRule(
                max(rule.smallest for rule in rules),
                min(rule.largest for rule in rules),
                lcm(*(rule.multiple for rule in rules)),
            )

    def check(self) -> None:
        """Refuse when no copiers are given, or one of them cannot run here; see `Copier.check`."""
        if not self.copiers:
            raise UserError("copier relay needs its copiers; type relay:copiers='ONE|OTHER'")
        for each in self.copiers:
            each.check()

    def weights(self) -> dict[str, str]:
        """Digests of every copier's weight files, by the copier's turn and the file's name; see `Copier.weights`."""
        return {
            f"{turn}/{name}": digest
            for turn, each in enumerate(self.copiers, start=1)
            for name, digest in each.weights().items()
        }

    def weight_names(self) -> tuple[str, ...]:
        """The entries of the weights table that its copiers ask for."""
        return tuple(dict.fromkeys(name for each in self.copiers for name in each.weight_names()))

    def resize_path(self) -> str | None:
        """A relay of the copiers' own resizings, identity where one does not resize; None when none does."""
        paths = [each.resize_path() for each in self.copiers]
        if not any(paths):
            return None
        return f"relay:copiers={NEXT.join((path or 'identity').replace(',', COMMA) for path in paths)}"

    def operator(self) -> dict[str, Any]:
        """Its copiers' operators in their order, whatever text named them."""
        operators = [each.operator() for each in self.copiers]
        return {"family": self.family, "version": self.version, "parameters": {}, "copiers": operators}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Have the copier copy whose turn it is at this step; see `Copier.copy`."""
        if not self.copiers:
            self.check()
        turn = (step - 1) % len(self.copiers)
        copier = self.copiers[turn]
        copies, receipts = copier.copy(pictures, seeds, step)
        taken = {"turn": turn + 1, "copier": copier.specification}
        return copies, [replace(receipt, effective={**receipt.effective, **taken}) for receipt in receipts]

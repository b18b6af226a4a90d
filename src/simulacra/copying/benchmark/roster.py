"""Who takes part: the copiers that were named, or all that run here as they are."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulacra.copiers import Copier, Determinism, families, make
from simulacra.copying.plan import CONTROL_CODEC, default_controls
from simulacra.errors import UserError

_NO_ROW = {"identity", "hosted-resize"}
"""Controls that make no row unless they are named: one drifts by exactly nothing, `resize` stands for the other."""


@dataclass(frozen=True)
class Roster:
    """The copiers of a benchmark, and why the others are not among them."""

    copiers: tuple[Copier, ...]
    skipped: dict[str, str]  # family -> reason, with what to type


def roster(specifications: Sequence[str]) -> Roster:
    """The copiers to run.

    Args:
        specifications: `family:key=value,...`; none means every copier that runs on this machine with its defaults.
            What asks somebody else costs money, so it takes part only when it is named.

    Raises:
        UserError: one that was named is unknown or cannot run here, or none can.
    """
    if specifications:
        named = [make(text) for text in specifications]
        for copier in named:
            copier.check()
        return Roster(tuple({copier.specification: copier for copier in named}.values()), {})
    copiers, skipped = [], {}
    for name in families():
        if name in _NO_ROW:
            continue
        try:
            copier = make(name)
            copier.check()
        except UserError as error:
            skipped[name] = str(error)
            continue
        if copier.determinism is Determinism.NEVER:
            skipped[name] = f"copier {name} never answers twice alike, and may cost money; ask for it with --copier"
        else:
            copiers.append(copier)
    if not copiers:
        raise UserError("no copier runs here with its defaults; simulacra copiers says what each of them needs")
    return Roster(tuple(copiers), skipped)


def slowest_first(copiers: Sequence[Copier]) -> list[Copier]:
    """The order in which to run them: trained networks before codecs, so that no long work is left for one core."""
    return sorted(copiers, key=lambda copier: not copier.weights())


def controls(copier: Copier) -> tuple[str, ...]:
    """The controls beside a copier: what its excess drift is counted from. The codec control is a row of its own."""
    return tuple(control for control in default_controls(copier) if control != CONTROL_CODEC)

"""Higher fidelity: whatever knob a copier has for staying near its original is turned up."""

from typing import Any

from simulacra.copiers.contract import Copier, Determinism
from simulacra.copying.remedies.asked import asked_with
from simulacra.copying.remedies.contract import Remedy
from simulacra.errors import UserError


class HigherFidelity(Remedy):
    """Each copier says in `Copier.fidelity` what its knobs are; one that is already beyond a value stays there."""

    family = "higher-fidelity"
    summary = "turns up what a copier has for staying near its original, at its price"
    origin = "each copier's own settings"
    determinism = Determinism.EXACT

    def copier(self, copier: Copier) -> Copier:
        """The copier with its knobs turned up; see `Remedy.copier`."""
        offered = copier.fidelity()
        if not offered:
            raise UserError(
                f"copier {copier.specification} has no setting that keeps it nearer to its original; "
                f"leave {self.family} out"
            )
        values = {name: value for name, value in offered.items() if _nearer(copier, name, value)}
        if not values:
            listed = ", ".join(f"{name.replace('_', '-')}={value}" for name, value in offered.items())
            raise UserError(f"copier {copier.specification} is already at {listed} or beyond; leave {self.family} out")
        return asked_with(copier, self.family, values)


def _nearer(copier: Copier, name: str, value: Any) -> bool:
    """Whether a value lies nearer to the original than the copier's own: past it, seen from the default."""
    own, default = getattr(copier.parameters, name), copier.Parameters.model_fields[name].default
    if isinstance(value, str):
        return bool(own != value)
    return bool(own < value if default < value else own > value)

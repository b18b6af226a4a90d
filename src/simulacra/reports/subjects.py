"""A run as its reader sees it: picture by picture, the model's chains before the controls, settled chains going on."""

from collections.abc import Sequence
from dataclasses import dataclass

from simulacra.copying.result import Chain, CopyResult, Ended
from simulacra.copying.settled import frame_at as frame_at  # copies beyond a chain's last frame are read here too
from simulacra.copying.settled import number_at as number_at
from simulacra.copying.settled import value_at as value_at


@dataclass(frozen=True)
class Subject:
    """One picture of a run with every chain that starts from it."""

    picture: str
    chains: tuple[Chain, ...]  # of the copier in question, one a replicate
    controls: tuple[Chain, ...]
    treated: tuple[Chain, ...] = ()  # of the same copier with a remedy, remedy by remedy

    @property
    def all_chains(self) -> tuple[Chain, ...]:
        """The chains in question, the same with remedies, then the controls."""
        return self.chains + self.treated + self.controls

    @property
    def first_control(self) -> int:
        """The place of the first control among all chains."""
        return len(self.chains) + len(self.treated)

    @property
    def remedies(self) -> tuple[str, ...]:
        """What was tried, each once, in the order of the chains."""
        return tuple(dict.fromkeys(chain.remedy for chain in self.treated if chain.remedy is not None))


def subjects(result: CopyResult) -> tuple[Subject, ...]:
    """The pictures of a run in their own order; where one has nothing but controls, they are what is in question."""
    found: dict[str, list[Chain]] = {}
    for chain in result.chains:
        found.setdefault(chain.picture, []).append(chain)
    ordered = []
    for picture, chains in found.items():
        controls = tuple(chain for chain in chains if chain.control)
        models = tuple(chain for chain in chains if not chain.control and chain.remedy is None)
        treated = tuple(chain for chain in chains if chain.remedy is not None)
        ordered.append(Subject(picture, models, controls, treated) if models else Subject(picture, controls, ()))
    return tuple(ordered)


def chain_label(chain: Chain, beside: Sequence[Chain]) -> str:
    """What a reader calls a chain: its copier and remedy, and the replicate where these two have several."""
    kind = (chain.copier, chain.control, chain.remedy)
    twins = [other for other in beside if (other.copier, other.control, other.remedy) == kind]
    name = chain.copier if chain.remedy is None else f"{chain.copier} with {chain.remedy}"
    return f"{name}, replicate {chain.replicate}" if len(twins) > 1 else name


def span(result: CopyResult) -> int:
    """The last copy any chart of the run has to reach, at least 1."""
    return max(1, result.times, *(len(chain.frames) - 1 for chain in result.chains))


def ending_sentence(chain: Chain) -> str:
    """How a chain ended, in words."""
    ending = chain.ending
    match ending.reason:
        case Ended.FIXED_POINT:
            return f"Exact fixed point: every copy after frame {ending.settled} is the same picture."
        case Ended.CYCLE:
            return f"Exact cycle: from frame {ending.settled} on it repeats every {ending.period} copies."
        case Ended.REFUSED:
            return f"Copy {ending.copies + 1} was refused: {ending.message.rstrip('.')}."
        case Ended.TIMES:
            return f"It made all {ending.copies} copies."

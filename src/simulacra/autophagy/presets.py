"""The loops of the papers, by name."""

from dataclasses import dataclass
from typing import Any

from simulacra.autophagy.policy import Policy
from simulacra.errors import UserError, unknown


@dataclass(frozen=True)
class Preset:
    """A published loop."""

    name: str
    summary: str
    paper: str
    shape: dict[str, Any]
    """Settings of the policy; a float stands for a share of the samples a generation is asked to have."""

    def policy(self, samples: int, **changes: Any) -> Policy:
        """The policy of this loop with so many samples a generation.

        Args:
            samples: n, of generation 1 and, where the loop keeps its size, of every pool.
            changes: settings of the policy to put in the place of the preset's.

        Raises:
            UserError: fewer than two samples, or the changes make the policy impossible.
        """
        if samples < 2:
            raise UserError(f"samples is {samples}; it must be 2 or more")
        counted = {name: round(value * samples) if name in _SHARES else value for name, value in self.shape.items()}
        return Policy.of(**{"initial": samples, **counted, **changes})


_SHARES = ("fixed", "fresh", "synthetic", "subsample")

_MAD = "Alemohammad et al. 2024, Self-Consuming Generative Models Go MAD"

PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset(
            "fully-synthetic",
            "Each generation trains on samples of the last one only.",
            f"{_MAD}; Shumailov et al. 2024, AI models collapse when trained on recursively generated data",
            {"synthetic": 1.0},
        ),
        Preset(
            "augmentation",
            "One fixed real set, and as many samples of the last generation.",
            f"{_MAD}; Bertrand et al. 2024, On the Stability of Iterative Retraining",
            {"fixed": 1.0, "synthetic": 1.0},
        ),
        Preset(
            "fresh-data",
            "A tenth new real samples, nine tenths samples of the last generation.",
            _MAD,
            {"fresh": 0.1, "synthetic": 0.9},
        ),
        Preset(
            "accumulate",
            "The real set and the samples of all generations stay; each adds as many again.",
            "Gerstgrasser et al. 2024, Is Model Collapse Inevitable?",
            {"fixed": 1.0, "synthetic": 1.0, "keep": True},
        ),
        Preset(
            "accumulate-subsample",
            "As accumulate, but each generation trains on a random draw of constant size.",
            "Kazdan et al. 2024, Collapse or Thrive?",
            {"fixed": 1.0, "synthetic": 1.0, "keep": True, "subsample": 1.0},
        ),
        Preset(
            "weighted",
            "Half new real and half synthetic samples, the real ones with the weight that serves the mean best.",
            "He, Xu and Cheng 2025, arXiv 2502.18049",
            {"fresh": 0.5, "synthetic": 0.5, "real_weight": (5**0.5 - 1) / 2},
        ),
        Preset(
            "memory",
            "A tenth new real samples; the synthetic ones come from the last five generations.",
            f"{_MAD}, appendix",
            {"fresh": 0.1, "synthetic": 0.9, "memory": 5},
        ),
        Preset(
            "growing",
            "Fully synthetic, with samples that grow with the square of the generation.",
            "Xu et al. 2025, arXiv 2505.13947",
            {"synthetic": 1.0, "growth": 2.0},
        ),
        Preset(
            "curated",
            "Fully synthetic; of two candidates the one with the higher reward tends to be chosen.",
            "Ferbach et al. 2024, Self-Consuming Generative Models with Curated Data",
            {"synthetic": 1.0, "best_of": 2},
        ),
        Preset(
            "verified",
            "Fully synthetic; a verifier lets only what it accepts into the next pool.",
            "Feng et al. 2025, Beyond Model Collapse; Yi et al. 2026, Escaping Model Collapse via Verification",
            {"synthetic": 1.0, "verified": True},
        ),
        Preset(
            "self-correcting",
            "A fixed real set and synthetic samples that an ideal correction moves halfway to the truth.",
            "Gillman et al. 2024, Self-Correcting Self-Consuming Loops",
            {"fixed": 1.0, "synthetic": 1.0, "correction": 1.0},
        ),
    )
}


def preset(name: str) -> Preset:
    """A published loop.

    Raises:
        UserError: no preset has this name.
    """
    if name not in PRESETS:
        raise unknown("policy", name, PRESETS)
    return PRESETS[name]

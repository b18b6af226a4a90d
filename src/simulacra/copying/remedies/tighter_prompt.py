"""Tighter prompt: the model is told more strictly to change nothing."""

from pydantic import Field, field_validator

from simulacra.copiers.contract import Copier, Determinism
from simulacra.copying.remedies.asked import asked_with
from simulacra.copying.remedies.contract import Remedy
from simulacra.errors import UserError
from simulacra.specification import Parameters, refuse_separator

STRICT = (
    "Reproduce this exact image, pixel for pixel. Keep every colour, the white balance, the contrast, every position "
    "and every proportion as they are. Do not retouch, sharpen, smooth, restyle, crop or re-light anything. The same "
    "person with the same face, the same age and the same skin tone. If in doubt, copy."
)
"""It names what chains are known to change: tint, contrast, geometry, detail, face and skin."""


class TighterPromptParameters(Parameters):
    """What the model is told instead."""

    prompt: str = Field(STRICT, description="what the model is told in place of the copier's own prompt")

    @field_validator("prompt")
    @classmethod
    def _told(cls, text: str) -> str:
        return refuse_separator("prompt", text)


class TighterPrompt(Remedy):
    """The same copier under stricter words. How much words matter differs: for img2img hardly (Drift Kernel, 2026)."""

    family = "tighter-prompt"
    summary = "tells a model more strictly to change nothing"
    origin = "users' practice; the words are Simulacra's"
    determinism = Determinism.EXACT
    Parameters = TighterPromptParameters
    parameters: TighterPromptParameters

    def copier(self, copier: Copier) -> Copier:
        """The copier with the stricter prompt; see `Remedy.copier`."""
        told = getattr(copier.parameters, "prompt", None)
        if told is None:
            raise UserError(
                f"copier {copier.family} has no prompt, so {self.family} has nothing to change; leave that remedy out"
            )
        if told == self.parameters.prompt:
            raise UserError(
                f"copier {copier.family} is told exactly that already; give {self.family}:prompt=... other words"
            )
        return asked_with(copier, self.family, {"prompt": self.parameters.prompt})

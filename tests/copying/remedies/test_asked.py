"""The remedies that change what a copier is asked, on copiers that nobody has to call."""

import pytest

from simulacra.copiers import Copier, families
from simulacra.copiers import make as make_copier
from simulacra.copying.remedies import make
from simulacra.copying.remedies.tighter_prompt import STRICT
from simulacra.errors import UserError


def treated(remedy: str, copier: str) -> Copier:
    return make(remedy).copier(make_copier(copier))


@pytest.mark.parametrize(
    ("copier", "becomes"),
    [
        ("jpeg:quality=60", "jpeg:quality=95,subsampling=4:4:4"),
        ("jpeg:quality=98", "jpeg:quality=98,subsampling=4:4:4"),  # already beyond in the one, not in the other
        ("moving-grid", "moving-grid:quality=95,subsampling=4:4:4"),
        ("webp", "webp:quality=95"),
        ("avif", "avif:quality=95,subsampling=4:4:4"),
        ("jpeg2000:ratio=50", "jpeg2000:ratio=5.0"),
        ("jpegxl", "jpegxl:distance=0.3"),
        ("ffdnet", "ffdnet:sigma=5.0"),
        ("waifu2x:noise=3", "waifu2x:noise=0"),
        ("openai", "openai:input-fidelity=high"),
        ("img2img:steps=40", "img2img:steps=40,strength=0.1"),
        ("instruct-pix2pix", "instruct-pix2pix:image-guidance=2.5"),
        ("autoencoder:latent=sample", "autoencoder"),
    ],
)
def test_whatever_knob_a_copier_has_is_turned_up(copier: str, becomes: str) -> None:
    asked = treated("higher-fidelity", copier)
    assert asked.specification == becomes
    assert type(asked) is type(make_copier(copier))


@pytest.mark.parametrize(
    ("copier", "said"),
    [
        ("jpeg:quality=95,subsampling=4:4:4", "is already at quality=95, subsampling=4:4:4 or beyond"),
        ("webp:quality=99", "is already at quality=95 or beyond"),
        ("ffdnet:sigma=2", "is already at sigma=5.0 or beyond"),
        ("openai:input-fidelity=high", "is already at input-fidelity=high or beyond"),
        ("openai:model=gpt-image-2", "copier openai:model=gpt-image-2 has no setting that keeps it nearer"),
        (
            "realesrgan",
            "copier realesrgan has no setting that keeps it nearer to its original; leave higher-fidelity out",
        ),
        ("img2img:steps=5", "strength 0.1 of 5 steps is less than one step"),
    ],
)
def test_a_copier_at_its_best_or_without_a_knob_is_refused(copier: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        treated("higher-fidelity", copier)


@pytest.mark.parametrize("copier", ["openai:quality=low", "gemini", "instruct-pix2pix:steps=20", "flux-kontext"])
def test_a_copier_that_is_told_something_is_told_it_more_strictly(copier: str) -> None:
    before, asked = make_copier(copier), treated("tighter-prompt", copier)
    assert asked.parameters.prompt == STRICT != before.parameters.prompt  # type: ignore[attr-defined]
    changed = {**before.parameters.model_dump(), "prompt": STRICT}
    assert asked.parameters.model_dump() == changed


def test_the_words_are_the_users_to_choose() -> None:
    asked = treated("tighter-prompt:prompt=copy, and copy only", "openai")
    assert asked.parameters.prompt == "copy, and copy only"  # type: ignore[attr-defined]


def test_a_copier_without_a_prompt_and_one_that_is_told_so_already_are_refused() -> None:
    with pytest.raises(UserError, match="copier jpeg has no prompt, so tighter-prompt has nothing to change"):
        treated("tighter-prompt", "jpeg")
    with pytest.raises(UserError, match="copier openai is told exactly that already"):
        treated("tighter-prompt:prompt=copy it", "openai:prompt=copy it")
    with pytest.raises(UserError, match="remedy tighter-prompt cannot treat copier openai: prompt has 32001 letters"):
        treated(f"tighter-prompt:prompt={'x' * 32001}", "openai")


def test_the_two_combine() -> None:
    asked = treated("tighter-prompt:prompt=copy it+higher-fidelity", "openai")
    assert asked.specification == "openai:prompt=copy it,input-fidelity=high"


def test_what_every_copier_declares_is_valid_and_changes_its_default() -> None:
    for family in families():
        if families()[family]().fidelity() and family != "autoencoder":  # whose default is its best
            assert treated("higher-fidelity", family).parameters != families()[family]().parameters

"""What every remedy must do, whatever it does."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from simulacra.canonical import canonical_json
from simulacra.copying.remedies import Remedy, families, make

WIDTH, HEIGHT = 37, 22

SPECIFICATIONS = (
    "anchor:every=2",
    "anchor:every=2,share=0.25",
    "colour-lock",
    "colour-lock:to=previous",
    "low-frequency-lock",
    "low-frequency-lock:cutoff=2",
    "mask:file=mask.png",
    "mask:file=mask.png,feather=3",
    "tighter-prompt",
    "tighter-prompt:prompt=change nothing at all",
    "higher-fidelity",
    "colour-lock+anchor:every=3",
    "low-frequency-lock:cutoff=3+mask:file=mask.png",
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The working folder holds the mask that the specifications name."""
    mask = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
    mask[4:18, 6:30] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    monkeypatch.chdir(tmp_path)


def pictures() -> tuple[Tensor, Tensor, Tensor]:
    """A copy, its parent and the original: unlike each other, and with both ends of the range in them."""
    generator = torch.Generator().manual_seed(5)
    copied, parent, origin = (torch.rand(1, 3, HEIGHT, WIDTH, generator=generator) for _ in range(3))
    copied[..., 0, 0], copied[..., 0, 1] = 0, 1
    return copied, parent, origin


@pytest.mark.parametrize("text", SPECIFICATIONS)
@pytest.mark.parametrize("step", [1, 2, 6])
def test_shape_type_and_range_are_kept_and_nothing_given_is_changed(text: str, step: int) -> None:
    remedy = make(text)
    remedy.check(WIDTH, HEIGHT)
    copied, parent, origin = pictures()
    before = [picture.clone() for picture in (copied, parent, origin)]
    for treated in (remedy.before(parent, origin, step), remedy.after(copied, parent, origin, step)):
        assert treated.shape == origin.shape
        assert treated.dtype == torch.float32
        assert bool(((treated >= 0) & (treated <= 1)).all())
    assert all(torch.equal(*pair) for pair in zip(before, (copied, parent, origin), strict=True))


@pytest.mark.parametrize("text", SPECIFICATIONS)
def test_equal_remedies_give_equal_bits(text: str) -> None:
    copied, parent, origin = pictures()
    one, other = make(text), make(text)
    for step in (1, 2):
        assert torch.equal(one.before(parent, origin, step), other.before(parent, origin, step))
        assert torch.equal(one.after(copied, parent, origin, step), other.after(copied, parent, origin, step))


@pytest.mark.parametrize("text", SPECIFICATIONS)
def test_only_what_is_not_autonomous_depends_on_the_step(text: str) -> None:
    remedy = make(text)
    copied, parent, origin = pictures()
    alike = [
        torch.equal(remedy.before(parent, origin, 1), remedy.before(parent, origin, step))
        and torch.equal(remedy.after(copied, parent, origin, 1), remedy.after(copied, parent, origin, step))
        for step in (2, 3, 6)
    ]
    assert all(alike) == remedy.autonomous


@pytest.mark.parametrize("text", SPECIFICATIONS)
def test_a_remedy_is_made_again_by_its_own_specification(text: str) -> None:
    remedy = make(text)
    again = make(remedy.specification)
    assert again.specification == remedy.specification
    assert canonical_json(again.operator()) == canonical_json(remedy.operator())


def test_every_parameter_changes_the_identity() -> None:
    operators = [canonical_json(make(text).operator()) for text in SPECIFICATIONS]
    assert len(set(operators)) == len(operators)


@pytest.mark.parametrize("family", list(families()))
def test_every_family_states_its_facts_and_is_documented(family: str) -> None:
    kind = families()[family]
    assert issubclass(kind, Remedy)
    assert kind.family == family
    assert kind.summary and kind.origin
    text = (Path(__file__).parents[3] / "docs" / "remedies.md").read_text(encoding="utf-8")
    assert f"`{family}`" in text
    for name, field in kind.Parameters.model_fields.items():
        assert field.description and not field.is_required()
        assert f"`{name.replace('_', '-')}`" in text, f"{family}:{name}"


def test_every_family_is_tried_here() -> None:
    assert {part.partition(":")[0] for text in SPECIFICATIONS for part in text.split("+")} == set(families())

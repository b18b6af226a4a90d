import pytest
import torch
from torch import Tensor

from simulacra.copiers import Determinism
from simulacra.copying.remedies import InTurn, Remedy, make
from simulacra.errors import UserError


class Add(Remedy):
    family = "add"
    summary = origin = "A toy."
    determinism = Determinism.EXACT

    def before(self, parent: Tensor, origin: Tensor, step: int) -> Tensor:
        return parent + 1

    def after(self, copy: Tensor, parent: Tensor, origin: Tensor, step: int) -> Tensor:
        return copy + 1


class Double(Add):
    family = "double"
    autonomous = False
    determinism = Determinism.SAME_MACHINE

    def before(self, parent: Tensor, origin: Tensor, step: int) -> Tensor:
        return 2 * parent

    def after(self, copy: Tensor, parent: Tensor, origin: Tensor, step: int) -> Tensor:
        return 2 * copy

    def check(self, width: int, height: int) -> tuple[str, ...]:
        return (f"{width}x{height}",)


def test_remedies_act_in_the_order_in_which_they_are_named() -> None:
    three = torch.full((1, 3, 1, 1), 3.0)
    one, other = InTurn([Add(), Double()]), InTurn([Double(), Add()])
    for act in ("before", "after"):
        given = (three, three) if act == "before" else (three, three, three)
        assert float(getattr(one, act)(*given, 1)[0, 0, 0, 0]) == 8
        assert float(getattr(other, act)(*given, 1)[0, 0, 0, 0]) == 7
    assert one.operator() != other.operator()


def test_the_whole_is_as_sure_as_its_least_sure_part() -> None:
    both = InTurn([Add(), Double(), Add()])
    assert both.determinism is Determinism.SAME_MACHINE
    assert not both.autonomous
    assert InTurn([Add(), Add()]).autonomous
    assert both.check(4, 3) == ("4x3",)
    assert (Add.determinism, Add.autonomous) == (Determinism.EXACT, True)  # the classes stay as they were


def test_a_plus_joins_two_names() -> None:
    both = make("colour-lock+anchor:every=7,share=0.5+low-frequency-lock")
    assert isinstance(both, InTurn)
    assert [each.family for each in both.remedies] == ["colour-lock", "anchor", "low-frequency-lock"]
    assert both.specification == "colour-lock+anchor:every=7,share=0.5+low-frequency-lock"


@pytest.mark.parametrize("text", ["mask:file=a+b.png", "mask:file=one+anchor.png", "tighter-prompt:prompt=R+G+B"])
def test_a_plus_within_a_path_or_a_prompt_stays_there(text: str) -> None:
    assert not isinstance(make(text), InTurn)
    assert make(text).specification == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("colour-lock+ancor:every=3", "remedy 'ancor' is unknown; did you mean anchor"),
        ("colour-lok+anchor", "remedy 'colour-lok' is unknown; did you mean colour-lock"),
        ("colour-lock+", "remedy 'colour-lock\\+' is unknown"),
        ("colour-lock+anchor:evry=3", "parameter of remedy anchor 'evry' is unknown"),
    ],
)
def test_a_part_that_is_no_remedy_is_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        make(text)

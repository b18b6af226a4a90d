import pytest

from simulacra.copying.attractor.witness import open_case
from simulacra.copying.result import Ended, Ending
from simulacra.errors import UserError

from .byhand import chain, run


def columns(copies: int) -> dict[str, list[float]]:
    return {"b_mean": [float(copy) for copy in range(copies + 1)]}


def test_a_chain_that_is_the_beginning_of_another_counts_once() -> None:
    short, long = run([chain("a", columns(4))], "painter-1"), run([chain("a", columns(9))], "painter-2")
    for order in ([short, long], [long, short]):
        (witness,) = open_case(order).witnesses
        assert [len(each.frames) for each in witness.chains] == [10]


def test_treated_chains_are_left_out_and_controls_stand_beside() -> None:
    case = open_case(
        [
            run(
                [
                    chain("a", columns(3)),
                    chain("a", columns(3), remedy="anchor"),
                    chain("a", columns(3), copier="jpeg", control=True),
                ]
            )
        ]
    )
    (witness,) = case.witnesses
    assert [each.remedy for each in witness.chains] == [None]
    assert [each.copier for each in witness.controls] == ["jpeg"]


def test_a_chain_that_was_refused_early_is_left_out_and_told() -> None:
    refused = chain("b", columns(2), ending=Ending(Ended.REFUSED, 2, message="policy"))
    case = open_case([run([chain("a", columns(9)), refused])])
    assert case.copies == 9
    assert [witness.label for witness in case.witnesses] == ["a"]
    assert case.left_out == ("b/painter/1/None was refused after 2 copies",)


def test_a_settled_chain_is_known_as_far_as_was_asked() -> None:
    settled = chain("b", columns(3), ending=Ending(Ended.FIXED_POINT, 3, 2, 1))
    case = open_case([run([chain("a", columns(9)), settled])])
    assert case.copies == 9
    assert len(case.witnesses) == 2


def test_what_is_no_case() -> None:
    with pytest.raises(UserError, match="a card was asked of no run"):
        open_case([])
    with pytest.raises(UserError, match=r"of 2 copiers \(painter, other\)"):
        open_case([run([chain("a", columns(2)), chain("b", columns(2), copier="other")])])
    with pytest.raises(UserError, match="was forked"):
        open_case([run([chain("a", columns(2))], legs=2)])
    with pytest.raises(UserError, match="no chain but controls"):
        open_case([run([chain("a", columns(2), control=True)])])
    with pytest.raises(UserError, match="painter made no copy"):
        open_case([run([chain("a", columns(0), ending=Ending(Ended.REFUSED, 0, message="no"))])])

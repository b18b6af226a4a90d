import pytest

from simulacra.copying.result import CopyResult
from simulacra.measures.contract import Better, Undefined, Value
from simulacra.reports.fooled import panel
from simulacra.reports.subjects import subjects

from .conftest import with_scores


def test_a_score_is_fooled_when_it_moves_towards_what_it_calls_better(result: CopyResult) -> None:
    fooled = with_scores(
        result,
        {
            "sharp": (Better.HIGHER, 0.25, 0.5),
            "noise": (Better.LOWER, 4.0, 2.0),
            "blocky": (Better.LOWER, 1.0, 2.0),
            "same": (Better.HIGHER, 1.0, 1.0),
        },
    )
    shown = panel(fooled, subjects(fooled)[0], 20)
    assert shown is not None
    assert shown.copy == 20
    assert [(score.change, score.flatters) for score in shown.scores] == [
        ("rose", True),
        ("fell", True),
        ("rose", False),
        ("stayed", False),
    ]
    assert shown.sentence.startswith(
        "2 of 4 scores call copy 20 better than the original: sharp rose from 0.250 to 0.500, noise fell from 4 to 2. "
    )
    assert [name for name, *_ in shown.beside] == ["SSIM", "Colour difference"]
    assert "Meanwhile SSIM went from 1 to 0." in shown.sentence


@pytest.mark.parametrize("scores", [{}, {"sharp": (Better.HIGHER, 1.0, Undefined("too small"))}])
def test_no_panel_without_a_value(result: CopyResult, scores: dict[str, tuple[Better, Value, Value]]) -> None:
    silent = with_scores(result, scores)
    assert panel(silent, subjects(silent)[0], 20) is None

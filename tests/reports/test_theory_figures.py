import numpy as np
import pytest

from simulacra import UserError
from simulacra.autophagy.theory.admissibility import gain, one_shot_error
from simulacra.reports import theory_figures
from simulacra.reports.theory_figures import Effort, Figures, Ladder, Mean, compute

SMALL = Effort(dimension=3, replicates=8, seed=2)


@pytest.fixture(scope="module")
def figures() -> Figures:
    """All figures in three dimensions, with short memories."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(theory_figures, "MEMORIES", (1, 2, 20))
        patch.setattr(theory_figures, "BOUNDARY", (0.5,))
        patch.setattr(theory_figures, "_GRID", 5)
        return compute(SMALL)


def test_what_is_run_agrees_with_what_is_exact(figures: Figures) -> None:
    assert [(way.bias, way.start) for way in figures.ways] == [(1.0, 100), (1.0, 1000), (0.8, 100), (0.8, 1000)]
    for way in figures.ways:
        for drawn, exact in ((way.mean_error, way.exact_mean_error), (way.trace, way.exact_trace)):
            scores = [(mean.value - value) / mean.error for mean, value in zip(drawn, exact, strict=True)]
            # Generations are correlated: their mean z-score is about one normal draw. Eight replicates widen it by
            # Student's t with 7 degrees, of which 5 leaves out one in six hundred.
            assert abs(np.mean(scores)) < 5
        assert len(way.wasserstein) == len(way.second_order) == 50


def test_the_maps_hold_the_closed_form_its_boundary_and_loops(figures: Figures) -> None:
    assert [panel.title for panel in figures.figure_11] == ["λ = 0.7", "λ = 0.85", "λ = 1"]
    assert [panel.title for panel in figures.figure_12] == ["n_r = 100", "n_r = 250", "n_r = 1,000"]
    panel = figures.figure_11[0]
    assert panel.gains[0][0] == gain(100, 100, 0.7, SMALL.spectrum)
    assert panel.gains[-1][0] == gain(100, 10_000, 0.7, SMALL.spectrum)
    for real, synthetic in panel.boundary:
        # The boundary is a number between whole samples, and n_r is rounded.
        assert gain(round(real), round(synthetic), 0.7, SMALL.spectrum) == pytest.approx(1, abs=0.03)
    assert figures.figure_11[2].boundary == ()  # without bias every number helps
    for spot in panel.spots:
        # An eighth of a loop's error is luck in three dimensions with eight replicates; a wrong loop is off twofold.
        assert spot.drawn.value == pytest.approx(spot.formula, rel=0.6)


def test_memory_is_exact_and_run_where_it_is_short(figures: Figures) -> None:
    assert [each.memory for each in figures.memory] == [1, 2, 20]
    for each in figures.memory:
        assert each.exact == pytest.approx(each.formula, rel=0.01)  # the closed form is for many samples
    assert figures.memory[2].drawn is None
    first = figures.memory[0].drawn
    assert first is not None and abs(first.value - figures.memory[0].exact) < 5 * first.error
    assert figures.memory_line[0][1] == figures.memory[0].formula


def test_a_ladder_turns_errors_into_samples() -> None:
    ladder = Ladder((100, 1000, 10_000), (1.0, 0.1, 0.01))
    assert ladder.samples(0.1) == pytest.approx(1000)
    assert ladder.samples(0.1 * 10**0.5) == pytest.approx(1000 / 10**0.5)
    found = ladder.worth(Mean(0.1, 0.001), 500)
    assert found.value == pytest.approx(2)
    assert found.error == pytest.approx(0.02, rel=1e-3)  # one per cent of the error is one of the samples
    drawn = Ladder.drawn(Effort(dimension=2, replicates=30, seed=1))
    # Its rungs are means of 240 fits, which scatter by about their size in two dimensions: four standard errors.
    assert drawn.samples(one_shot_error(1000, (1.0, 1.0))) == pytest.approx(1000, rel=0.25)


@pytest.mark.parametrize(
    ("given", "said"), [({"replicates": 1}, "replicates is 1"), ({"dimension": 1}, "dimension is 1")]
)
def test_too_little_is_refused(given: dict[str, int], said: str) -> None:
    with pytest.raises(UserError, match=said):
        Effort(**given)

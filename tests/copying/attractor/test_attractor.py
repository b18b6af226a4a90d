from collections.abc import Callable

import numpy as np
import pytest

from simulacra.copying.attractor import Attractor, Pull, attractor
from simulacra.copying.dynamics import Interval, autoregression
from simulacra.copying.result import Chain
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined

from .byhand import chain, pulled, run, walk

PICTURES = "abcdefgh"


def pull_on(found: Attractor, measure: str) -> Pull:
    return next(pull for pull in found.pulls if pull.measure.name == measure)


def of_pictures(make: Callable[[int, np.random.Generator], dict[str, list[float]]], names: str = PICTURES) -> Attractor:
    """The attractor of one chain a picture."""
    generator = np.random.default_rng(20261121)
    return attractor([run([chain(name, make(number, generator)) for number, name in enumerate(names)])])


def test_finds_where_it_pulls_how_fast_and_that_chance_does_not() -> None:
    found = of_pictures(lambda number, draw: {"b_mean": pulled(number - 4.0, 24.0, 9.0, 60, 0.4, draw)})
    pull = pull_on(found, "b_mean")
    assert (pull.one_way, pull.agreeing, pull.pictures, pull.p_value) == (True, 8, 8, 2 / 2**8)
    assert isinstance(pull.fixed_point.interval, Interval) and isinstance(pull.half_life.interval, Interval)
    assert 24 in pull.fixed_point.interval and pull.fixed_point.interval.bounded
    assert 9 in pull.half_life.interval
    assert pull.fixed_point.value == pytest.approx(24, abs=1)  # eight fits with an error of about 0.4 each
    assert found.claims == (pull,)
    assert found.of_the_model


def test_a_walk_without_a_pull_is_not_claimed() -> None:
    found = of_pictures(lambda number, draw: {"a_mean": walk(number, 40, draw)})
    pull = pull_on(found, "a_mean")
    assert not pull.shown
    assert found.claims == ()
    assert "up" in pull.why_not and "down" in pull.why_not


def test_chances_are_corrected_for_the_number_of_attributes() -> None:
    def both(number: int, draw: np.random.Generator) -> dict[str, list[float]]:
        return {"b_mean": pulled(0.0, 24.0, 9.0, 30, 0.3, draw), "a_mean": walk(0.0, 30, draw)}

    assert pull_on(of_pictures(both), "b_mean").p_value == 2 * 2 / 2**8


def test_a_question_that_too_few_pictures_can_answer_does_not_count() -> None:
    def one_face(number: int, draw: np.random.Generator) -> dict[str, list[float]]:
        face = {"skin_ita": walk(40.0, 30, draw)} if number == 0 else {}
        return {"b_mean": pulled(0.0, 24.0, 9.0, 30, 0.3, draw), **face}

    found = of_pictures(one_face)
    assert pull_on(found, "b_mean").p_value == 2 / 2**8
    assert pull_on(found, "skin_ita").why_not.startswith("1 picture; 6 are the fewest")


def test_what_a_control_does_too_is_not_blamed_on_the_copier() -> None:
    generator = np.random.default_rng(1)
    chains: list[Chain] = []
    for name in PICTURES:
        values = pulled(0.0, 24.0, 9.0, 30, 0.1, generator)
        further = [1.5 * value for value in values]
        chains.append(chain(name, {"b_mean": values}))
        chains.append(chain(name, {"b_mean": further}, copier="jpeg", control=True))
    pull = pull_on(attractor([run(chains)]), "b_mean")
    assert pull.change.value == pytest.approx(24 * (1 - 0.5 ** (30 / 9)), abs=0.5)  # the noise adds about 0.2
    assert pull.excess.value == 0
    assert not pull.shown
    assert pull.why_not == "it goes no further than its controls"


def test_pictures_that_meet_from_both_sides_are_drawn_together() -> None:
    found = of_pictures(lambda number, draw: {"b_mean": pulled(8.0 * (number - 3.5), 0.0, 5.0, 40, 0.1, draw)})
    pull = pull_on(found, "b_mean")
    assert (pull.one_way, pull.converges) == (False, True)
    assert pull in found.claims  # each picture moves far, though their changes cancel
    assert isinstance(pull.kept.value, float) and pull.kept.value < 0.01


def test_one_picture_speaks_for_itself_with_its_own_interval() -> None:
    generator = np.random.default_rng(5)
    replicates = [pulled(10.0, 24.0, 6.0, 60, 0.5, generator) for _ in range(3)]
    chains = [chain("a", {"b_mean": values}, replicate=number) for number, values in enumerate(replicates, 1)]
    found = attractor([run(chains)])
    pull = pull_on(found, "b_mean")
    fit = autoregression(replicates)
    assert not isinstance(fit, Undefined)
    assert (pull.fixed_point, pull.half_life) == (fit.fixed_point, fit.half_life)
    assert pull.shown and not found.of_the_model
    assert isinstance(pull.p_value, Undefined)


def test_one_walking_picture_shows_no_pull() -> None:
    found = of_pictures(lambda number, draw: {"b_mean": walk(0.0, 60, draw)}, "a")
    assert pull_on(found, "b_mean").why_not == "a walk without any pull would look alike"


def test_a_push_without_end_says_that_nothing_bounds_it() -> None:
    found = of_pictures(
        lambda number, draw: {"lightness_mean": [40.0 + 0.9 * copy + 0.01 * number for copy in range(31)]}
    )
    pull = pull_on(found, "lightness_mean")
    assert pull.one_way
    assert isinstance(pull.fixed_point.value, Undefined)


def test_sharpness_changes_by_a_factor() -> None:
    found = of_pictures(
        lambda number, draw: {"sharpness_laplacian": [0.01 * (number + 1) * 0.9**copy for copy in range(21)]}
    )
    pull = pull_on(found, "sharpness_laplacian")
    assert pull.factor
    assert pull.change.value == pytest.approx(0.9**20)


def test_replicates_tell_bias_from_luck() -> None:
    generator = np.random.default_rng(3)
    chains = []
    for name in PICTURES:
        for replicate in range(1, 6):
            columns = {
                "lightness_mean": [50.0, 50.0 + generator.normal()],
                "a_mean": [0.0, generator.normal()],
                "b_mean": [0.0, 10.0 + generator.normal()],
            }
            chains.append(chain(name, columns, replicate=replicate))
    found = attractor([run(chains)])
    assert found.luck is not None and not isinstance(found.luck, Undefined)
    assert isinstance(found.luck.bias_squared.interval, Interval) and isinstance(found.luck.variance.interval, Interval)
    assert 100 in found.luck.bias_squared.interval
    assert 3 in found.luck.variance.interval
    assert not isinstance(found.tint, Undefined) and found.tint.p_value == 1 / 2**7
    assert found.ends is not None and not isinstance(found.ends, Undefined)


def test_says_what_moves_first() -> None:
    generator = np.random.default_rng(11)
    chains = []
    for name in PICTURES:
        shocks = generator.standard_normal(90)
        tint = [10.0, *(10 + 0.5 * shocks[3:]).tolist()]
        detail = np.exp(0.3 * np.concatenate([[0.0], shocks[:-3]]))  # shock k shows in the tint three copies earlier
        chains.append(chain(name, {"delta_e00_of_mean": tint, "sharpness_laplacian": detail.tolist()}))
    (lead,) = attractor([run(chains)]).leads
    assert (lead.later, lead.found.lead.value) == ("detail", 3.0)
    assert lead.p_value < 0.01


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(UserError, match=r"level is 1\.5"):
        attractor([run([chain("a", {"b_mean": [0.0, 1.0]})])], level=1.5)


def test_the_same_runs_say_the_same() -> None:
    def make() -> Attractor:
        return of_pictures(lambda number, draw: {"b_mean": pulled(0.0, 24.0, 9.0, 20, 0.4, draw)})

    assert make() == make()

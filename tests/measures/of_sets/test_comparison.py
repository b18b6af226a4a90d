"""All measures at once: names that state the protocol, counts, floors, and what is undefined."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.contract import Better, Undefined
from simulacra.measures.of_sets import frechet, kernel, neighbours, nulls
from simulacra.measures.of_sets.comparison import MEASURES, Protocol, compare
from simulacra.measures.of_sets.contract import SetValue, value_name
from simulacra.measures.of_sets.features_pixels import Pixels

PAGE = Path(__file__).parents[3] / "docs" / "set-measures.md"


def draw(count: int, seed: int, length: int = 12) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).uniform(size=(count, length)).astype(np.float32))


def by_measure(values: list[SetValue]) -> dict[str, SetValue]:
    return {value.name.split("_")[0]: value for value in values}


def test_every_value_says_all_it_takes_to_compare_it() -> None:
    real, generated = draw(2000, 1), draw(1000, 2)
    values = compare(real=real, generated=generated, features=Pixels(2))
    assert [value.name for value in values] == [
        "frechet_pixels2_2k_1k",
        "kernel_poly3_pixels2_2k_1k",
        "precision_k5_pixels2_2k_1k",
        "recall_k5_pixels2_2k_1k",
        "density_k5_pixels2_2k_1k",
        "coverage_k5_pixels2_2k_1k",
    ]
    for value in values:
        assert (value.real, value.generated, value.features) == (2000, 1000, Pixels(2).identity)
        assert isinstance(value.value, float)
        assert value.better is (Better.LOWER if value.name[0] in "fk" else Better.HIGHER)


def test_values_and_floors_are_those_of_the_functions() -> None:
    real, generated = draw(300, 1), draw(200, 2)
    found = by_measure(compare(real=real, generated=generated, features=Pixels(2)))
    four = neighbours.precision_recall_density_coverage(real=real, generated=generated)
    assert {name: found[name].value for name in vars(four)} == vars(four)
    assert found["frechet"].value == frechet.frechet_distance(real=real, generated=generated)
    assert found["kernel"].value == kernel.kernel_distance(real=real, generated=generated)
    assert found["frechet"].floor == frechet.expected_frechet(frechet.moments(real), real=300, generated=200)
    assert found["coverage"].floor == nulls.expected_coverage(real=300, generated=200, neighbours=5)
    assert (found["density"].floor, found["kernel"].floor) == (1, 0)
    assert found["precision"].floor is found["recall"].floor is None


def test_of_one_distribution_values_lie_near_their_floors() -> None:
    found = by_measure(compare(real=draw(1500, 1), generated=draw(1500, 2), features=Pixels(2)))
    # uniform, not gaussian: fourth moments are smaller and the distance with them
    assert found["frechet"].value == pytest.approx(found["frechet"].floor, rel=0.5)
    assert found["coverage"].value == pytest.approx(found["coverage"].floor, abs=0.02)  # four deviations at 1,500
    assert found["density"].value == pytest.approx(1, abs=0.1)


def test_only_what_is_asked_for_in_the_order_of_all() -> None:
    values = compare(real=draw(30, 1), generated=draw(30, 2), features=Pixels(2), measures=["coverage", "kernel"])
    assert [value.name for value in values] == ["kernel_poly3_pixels2_30", "coverage_k5_pixels2_30"]


def test_the_protocol_stands_in_the_names() -> None:
    protocol = Protocol(neighbours=3, ball="open", subsets=4, subset_size=10, seed=9)
    values = compare(real=draw(30, 1), generated=draw(30, 2), features=Pixels(2), protocol=protocol)
    names = {value.name for value in values}
    assert {"recall_k3_open_pixels2_30", "kernel_poly3_4x10_pixels2_30"} <= names
    drawn = by_measure(values)["kernel"]
    assert (drawn.seed, drawn.deviation is not None) == (9, True)
    assert all(value.seed is None for value in values if value is not drawn)


def test_too_few_pictures_are_a_reason_and_no_number() -> None:
    protocol = Protocol(subsets=2, subset_size=10)
    found = by_measure(compare(real=draw(30, 1), generated=draw(5, 2), features=Pixels(2), protocol=protocol))
    assert found["recall"].value == Undefined("a set has 5 pictures, and 5 nearest neighbours need 6")
    assert found["kernel"].value == Undefined("a set has 5 pictures, and a subset needs 10")
    assert isinstance(found["frechet"].value, float)
    assert found["frechet"].floor == Undefined(
        "the floor is known for more pictures than features, and there are 12 features"
    )


def test_refuses_features_of_another_dimension_and_unknown_measures() -> None:
    with pytest.raises(UserError, match=r"^the features pixels2 have 12 numbers a picture, and these have 13"):
        compare(real=draw(9, 1, 13), generated=draw(9, 2, 13), features=Pixels(2))
    with pytest.raises(UserError, match=r"^set measure 'frechett' is unknown; did you mean frechet"):
        compare(real=draw(9, 1), generated=draw(9, 2), features=Pixels(2), measures=["frechett"])


@pytest.mark.parametrize(
    ("real", "generated", "counts"), [(10_000, 10_000, "10k"), (70_000, 10_000, "70k_10k"), (1_500, 999, "1500_999")]
)
def test_counts_stand_in_names(real: int, generated: int, counts: str) -> None:
    assert value_name("frechet", "effnetlite0", real, generated) == f"frechet_effnetlite0_{counts}"


def test_every_measure_is_documented() -> None:
    text = PAGE.read_text(encoding="utf-8")
    about = [frechet.MEASURE, frechet.INFINITE, kernel.MEASURE, kernel.subsets_measure(100, 1000)]
    for measure in [*about, *neighbours.measures(5).values()]:
        assert f"`{measure.stem}`" in text, measure.stem
        assert measure.definition in text, measure.stem
    assert set(MEASURES) == {measure.stem.split("_")[0] for measure in about} | set(neighbours.measures(5))

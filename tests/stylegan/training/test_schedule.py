from fractions import Fraction

import pytest

from simulacra.stylegan.training.presets import preset
from simulacra.stylegan.training.schedule import Stage, grown_kimg, level_of_detail, stage

from .toys import growing, recipe


@pytest.mark.parametrize(
    ("images", "lod"),
    [
        (0, 7.0),
        (599_999, 7.0),
        (600_000, 7.0),
        (750_000, 6.75),
        (900_000, 6.5),
        (1_200_000, 6.0),
        (1_500_000, 6.0),
        (6_000_000, 2.0),
        (7_200_000, 1.0),
        (8_100_000, 0.5),
        (8_400_000, 0.0),
        (25_000_000, 0.0),
    ],
)
def test_the_papers_growth_to_1024(images: int, lod: float) -> None:
    assert level_of_detail(preset("paper"), images) == lod


def test_1024_is_whole_after_8400_kimg_and_256_after_6000() -> None:
    assert grown_kimg(preset("paper")) == 8400
    assert grown_kimg(preset("paper", resolution=256)) == 6000
    assert grown_kimg(preset("tiny")) == 0


def test_growth_by_exact_fractions() -> None:
    made = growing()
    for images in range(60):
        phase, within = divmod(images, 32)
        expected = max(Fraction(0), 1 - phase - Fraction(max(0, within - 16), 16))
        assert level_of_detail(made, images) == float(expected)


def test_networks_that_do_not_grow_are_whole_from_the_start() -> None:
    assert all(level_of_detail(recipe(), images) == 0 for images in (0, 10, 10_000))


def test_a_stage_takes_batch_and_rate_of_its_resolution() -> None:
    made = preset("paper")
    assert stage(made, 0) == Stage(7.0, 8, 256, 0.001)
    assert stage(made, 600_001).resolution == 16  # from the first picture of a fade it is the finer one's turn
    assert stage(made, 600_001).batch == 128
    assert stage(made, 4_500_000) == Stage(3.5, 128, 32, 0.0015)
    assert stage(made, 10_000_000) == Stage(0.0, 1024, 32, 0.003)


def test_levels_change_at_both_ends_of_a_fade() -> None:
    levels = [Stage(lod, 8, 4, 0.1).levels for lod in (2.0, 1.99, 1.5, 1.01, 1.0)]
    assert levels == [(2, 2), (1, 2), (1, 2), (1, 2), (1, 1)]

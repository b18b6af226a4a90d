import pytest

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description
from simulacra.stylegan.use import choices

PAPER = Description.stylegan1(resolution=1024)
SMALL = Description.stylegan1(resolution=32)


@pytest.mark.parametrize(
    ("text", "meant"), [("7", (7,)), ("0-3,7", (0, 1, 2, 3, 7)), ("5,5", (5, 5)), (" 2 , 1", (2, 1)), ("4-4", (4,))]
)
def test_seeds_are_numbers_and_ranges_in_their_order(text: str, meant: tuple[int, ...]) -> None:
    assert choices.seeds(text) == meant


@pytest.mark.parametrize("text", ["", "3-1", "-5", "1.5", "a", "1,,2", "1-2-3"])
def test_other_seeds_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"is no seed; write whole numbers and ranges, as in 0-99,7$"):
        choices.seeds(text)


def test_a_slip_of_the_hand_makes_no_million_pictures() -> None:
    assert len(choices.seeds("0-999999")) == choices.MOST_SEEDS
    for text in ("0-1000000", "0-999999,5", "0-99999999999999"):
        with pytest.raises(UserError, match="names more than 1,000,000 seeds"):
            choices.seeds(text)


def test_numbers_are_finite() -> None:
    assert choices.numbers("--psi", "1,-.5, 0") == (1, -0.5, 0)
    for text in ("1,nan", "inf", "", "x"):
        with pytest.raises(UserError, match=r"in --psi .* is no finite number"):
            choices.numbers("--psi", text)


def test_noise_is_a_word_or_a_seed() -> None:
    assert [choices.noise(text) for text in ("seed", "stored", "none", "12")] == ["seed", "stored", "none", 12]
    with pytest.raises(UserError, match=r"^--noise is 'loud'; it must be seed, stored, none, or a whole number"):
        choices.noise("loud")


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [("coarse", 0, 3), ("middle", 4, 7), ("fine", 8, 17), ("all", 0, 17), ("5", 5, 5), ("2-5", 2, 5)],
)
def test_layers_are_those_of_figure_3(text: str, first: int, last: int) -> None:
    assert choices.layers(PAPER, text) == range(first, last + 1)


@pytest.mark.parametrize("text", ["8", "3-8", "finest", "5-2", ""])
def test_layers_that_are_not_there_are_refused(text: str) -> None:
    with pytest.raises(UserError, match=r"this network has coarse \(0-3\), middle \(4-7\); name a group, or rows"):
        choices.layers(SMALL, text)


def test_a_group_that_small_pictures_do_not_have_is_named() -> None:
    with pytest.raises(UserError, match=r"this network has no fine layers; it has coarse \(0-3\), middle \(4-7\)$"):
        choices.layers(SMALL, "fine")
    assert list(choices.groups(SMALL)) == ["coarse", "middle"]
    assert choices.words(range(4, 8)) == "4-7" and choices.words(range(3, 4)) == "3"

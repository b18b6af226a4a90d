from math import pi

import numpy as np
import pytest
import torch

from simulacra.stylegan.training import augment
from simulacra.stylegan.training.augment import COLOURS, GROUPS, PLACES, Augmentation, Draws

SIDE = 16


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int = 6, channels: int = 3) -> torch.Tensor:
    return 2 * torch.rand(count, channels, SIDE, SIDE, generator=seeded(9)) - 1


def test_nothing_happens_at_probability_0_or_without_groups() -> None:
    pictures = noise()
    assert Augmentation(GROUPS)(pictures, 0.0, seeded()) is pictures
    assert Augmentation(())(pictures, 1.0, seeded()) is pictures


def test_flips_are_exact_and_happen_to_half() -> None:
    pictures = noise(400)
    made = Augmentation(("flip",))(pictures, 1.0, seeded())
    same = [bool(torch.allclose(a, b, atol=1e-5)) for a, b in zip(made, pictures, strict=True)]
    turned = [bool(torch.allclose(a, b.flip(2), atol=1e-5)) for a, b in zip(made, pictures, strict=True)]
    assert all(a != b for a, b in zip(same, turned, strict=True))
    assert abs(sum(turned) - 200) < 4 * 10  # four standard deviations of 400 coins


def test_quarter_turns_are_exact() -> None:
    pictures = noise(40)
    made = Augmentation(("quarter-turn",))(pictures, 1.0, seeded())
    seen = set()
    for before, after in zip(pictures, made, strict=True):
        turns = [t for t in range(4) if torch.allclose(after, torch.rot90(before, t, (1, 2)), atol=1e-5)]
        assert len(turns) == 1
        seen.update(turns)
    assert seen == {0, 1, 2, 3}


def test_shifts_are_whole_pixels_up_to_an_eighth_and_mirror_what_lies_outside() -> None:
    pictures = noise(60)
    made = Augmentation(("shift",))(pictures, 1.0, seeded()).numpy()
    most = SIDE // 8
    seen = set()
    for before, after in zip(pictures.numpy(), made, strict=True):
        padded = np.pad(before, ((0, 0), (most, most), (most, most)), mode="symmetric")
        places = [
            (y, x)
            for y in range(2 * most + 1)
            for x in range(2 * most + 1)
            if np.allclose(after, padded[:, y : y + SIDE, x : x + SIDE], atol=1e-4)  # float32 grids
        ]
        assert len(places) == 1
        seen.update(places)
    assert {y for y, _ in seen} == {x for _, x in seen} == set(range(2 * most + 1))


@pytest.mark.parametrize("name", list(PLACES))
def test_places_of_pixels_are_drawn_by_appendix_b(name: str) -> None:
    matrices = PLACES[name](Draws(20_000, 64, seeded(3))).double().numpy()
    linear, moved = matrices[:, :2, :2], matrices[:, :2, 2]
    error = 5 / np.sqrt(20_000)  # five standard errors of a standard normal's mean; of its deviation about seven
    if name == "shift":
        assert np.abs(moved).max() == 2 * 8 / 64
        assert np.allclose(moved * 32, np.round(moved * 32))
        assert np.array_equal(linear, np.broadcast_to(np.eye(2), linear.shape))
        return
    assert not moved.any()
    determinant = np.linalg.det(linear)
    if name in ("flip", "quarter-turn", "rotate"):
        np.testing.assert_allclose(np.abs(determinant), 1, atol=1e-6)
        assert (determinant < 0).any() == (name == "flip")
    if name == "scale":
        size = np.log2(linear[:, 0, 0]) / 0.2
        assert abs(size.mean()) < error and abs(size.std() - 1) < error
        np.testing.assert_allclose(linear[:, 1, 1], linear[:, 0, 0])
    if name == "stretch":
        size = np.log2(linear[:, 0, 0]) / 0.2
        assert abs(size.mean()) < error and abs(size.std() - 1) < error
        np.testing.assert_allclose(determinant, 1, atol=1e-6)
    if name == "rotate":
        angle = np.arctan2(linear[:, 1, 0], linear[:, 0, 0])
        assert abs(angle.std() - pi / np.sqrt(3)) < 2 * error


@pytest.mark.parametrize("name", list(COLOURS))
def test_colours_are_changed_by_appendix_b(name: str) -> None:
    matrices = COLOURS[name](Draws(20_000, 64, seeded(4))).double().numpy()
    linear, added = matrices[:, :3, :3], matrices[:, :3, 3]
    grey = np.full(3, 3**-0.5)
    along = linear @ grey
    error = 5 / np.sqrt(20_000)
    if name == "brightness":
        assert abs(added[:, 0].std() - 0.2) < 0.2 * error
        assert np.array_equal(linear, np.broadcast_to(np.eye(3), linear.shape))
        return
    assert not added.any()
    if name == "contrast":
        assert abs((np.log2(linear[:, 1, 1]) / 0.5).std() - 1) < error
        np.testing.assert_allclose(linear, linear[:, :1, :1] * np.eye(3), atol=1e-7)
        return
    np.testing.assert_allclose(along, np.broadcast_to(grey, along.shape), atol=1e-6)  # greys stay as they are
    across = np.array([1, -1, 0]) / np.sqrt(2)
    length = np.linalg.norm(linear @ across, axis=1)
    if name == "hue":
        np.testing.assert_allclose(length, 1, atol=1e-6)
        np.testing.assert_allclose(np.linalg.det(linear), 1, atol=1e-6)
    else:
        assert abs(np.log2(length).std() - 1) < error


def test_red_turned_by_a_third_is_green() -> None:
    third = augment._around_grey(torch.tensor([2 * pi / 3]), torch.ones(1))
    red = torch.tensor([1.0, 0.0, 0.0, 1.0])
    torch.testing.assert_close(third[0] @ red, torch.tensor([0.0, 1.0, 0.0, 1.0]), atol=1e-6, rtol=0)


def test_each_group_happens_with_the_probability_asked_for() -> None:
    pictures = torch.zeros(4000, 3, 2, 2)
    made = Augmentation(("brightness",))(pictures, 0.3, seeded())
    changed = float((made.flatten(1).abs().max(1).values > 0).float().mean())
    assert abs(changed - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 4000)


def test_alpha_moves_but_keeps_its_values() -> None:
    pictures = noise(8, 4)
    coloured = Augmentation(tuple(COLOURS))(pictures, 1.0, seeded())
    assert torch.equal(coloured[:, 3], pictures[:, 3])
    assert not torch.equal(Augmentation(("flip",))(pictures, 1.0, seeded())[:, 3], pictures[:, 3])


def test_gradients_go_through_and_equal_streams_give_equal_pictures() -> None:
    pictures = noise(3).requires_grad_()
    made = Augmentation(GROUPS)(pictures, 0.8, seeded(7))
    assert made.shape == pictures.shape and made.dtype == pictures.dtype
    made.square().sum().backward()
    assert pictures.grad.flatten(1).any(1).all()
    assert torch.equal(Augmentation(GROUPS)(pictures, 0.8, seeded(7)), made)

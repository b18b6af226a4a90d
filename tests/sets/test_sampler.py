import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulacra.errors import UserError
from simulacra.sets.sampler import Sampler


def drawn(sampler: Sampler, position: int, count: int) -> list[tuple[int, bool]]:
    draw = sampler.batch(position, count)
    return list(zip(draw.indices.tolist(), draw.mirrored.tolist(), strict=True))


def test_the_order_is_the_same_in_every_release() -> None:
    # Pinned: a run that is resumed years later must go on with the pictures it would have taken.
    draw = Sampler(10, seed=0, mirror=True).batch(0, 12)
    assert draw.indices.tolist() == [0, 8, 7, 2, 1, 3, 9, 5, 4, 6, 1, 4]
    assert draw.mirrored.astype(int).tolist() == [1, 0, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0]


@given(st.integers(1, 40), st.integers(0, 2**40), st.integers(0, 200))
def test_every_epoch_visits_each_picture_once(size: int, seed: int, epoch: int) -> None:
    draw = Sampler(size, seed).batch(epoch * size, size)
    assert sorted(draw.indices.tolist()) == list(range(size))
    assert not draw.mirrored.any()


@given(st.integers(1, 30), st.lists(st.integers(1, 50), min_size=1, max_size=6), st.integers(0, 100))
def test_batches_of_any_size_from_any_position_are_one_sequence(size: int, counts: list[int], start: int) -> None:
    sampler = Sampler(size, seed=7, mirror=True)
    position, pieces = start, []
    for count in counts:
        pieces += drawn(sampler, position, count)
        position += count
    assert pieces == drawn(Sampler(size, seed=7, mirror=True), start, sum(counts))


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 12))
def test_ranks_together_draw_what_one_would_alone(size: int, world: int, count: int) -> None:
    alone = drawn(Sampler(size, seed=3, mirror=True), 17, count * world)
    shares = [drawn(Sampler(size, seed=3, mirror=True, rank=r, world=world), 17, count) for r in range(world)]
    assert [shares[place % world][place // world] for place in range(count * world)] == alone


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = [tuple(Sampler(50, seed).batch(50 * epoch, 50).indices) for seed in range(3) for epoch in range(3)]
    assert len(set(orders)) == 9


def test_orders_are_uniform() -> None:
    # Where picture 0 of 4 stands, over 4,000 epochs: each place 1,000 times with a standard deviation of 27; 5 of them.
    places = [Sampler(4, seed=1).batch(4 * epoch, 4).indices.tolist().index(0) for epoch in range(4000)]
    assert np.abs(np.bincount(places, minlength=4) - 1000).max() < 5 * 27.4


def test_half_of_the_pictures_are_mirrored_and_others_each_epoch() -> None:
    first, second = (Sampler(10_000, seed=5, mirror=True).batch(10_000 * epoch, 10_000) for epoch in (0, 1))
    # A standard deviation is 50.
    assert abs(int(first.mirrored.sum()) - 5000) < 250
    by_picture = [draw.mirrored[np.argsort(draw.indices)] for draw in (first, second)]
    assert abs(int((by_picture[0] == by_picture[1]).sum()) - 5000) < 250


def test_refuses_what_has_no_order() -> None:
    with pytest.raises(UserError, match="no picture to draw from"):
        Sampler(0, seed=0)
    with pytest.raises(UserError, match="rank 2 of 2 processes is impossible; it must be 0 to 1"):
        Sampler(5, seed=0, rank=2, world=2)
    with pytest.raises(ValueError, match="0 pictures from position 3"):
        Sampler(5, seed=0).batch(3, 0)

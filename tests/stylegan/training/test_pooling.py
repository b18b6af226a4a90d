"""Batches of a pool: the order of a set without weights, and the weights' own shares with them."""

from pathlib import Path

import pytest
import torch

from simulacra.generators import Pool
from simulacra.sets import PictureSet
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.feeding import Batch, Feeding
from simulacra.stylegan.training.pooling import PoolFeeding
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.schedule import Stage

from .toys import ONE, SIDE, write_set

LABELLED = ONE.changed(labels=3)
STAGE = Stage(0.0, SIDE, 6, 0.01)
MANY = Stage(0.0, SIDE, 4000, 0.01)


def numbered(count: int = 5, channels: int = 3) -> torch.Tensor:
    """Pictures that say which they are in their left half: k / 10 in every value; the right half is -1."""
    pictures = torch.full((count, channels, SIDE, SIDE), -1.0)
    pictures[..., : SIDE // 2] = (torch.arange(count) / 10)[:, None, None, None]
    return pictures


def read(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """Which pictures a batch shows, and which of them are mirrored."""
    mirrored = batch.pictures[:, 0, 0, 0] == -1
    corner = torch.where(mirrored, batch.pictures[:, 0, 0, -1], batch.pictures[:, 0, 0, 0])
    return (10 * corner).round().long(), mirrored


@pytest.mark.parametrize("colour", ["RGB", "L"])
def test_without_weights_a_pool_is_shown_as_a_set_of_its_pictures_is(tmp_path: Path, colour: str) -> None:
    pictures = PictureSet(write_set(tmp_path / "set.zip", classes=3, colour=colour))
    samples = torch.from_numpy(pictures.pictures(range(len(pictures)))).float().div(127.5).sub(1)
    pool = Pool(samples, labels=torch.arange(len(samples)) % 3)
    ours = PoolFeeding(pool, LABELLED, 5, True)
    feeding = Feeding(pictures, LABELLED, 5, True, torch.device("cpu"), Processes())
    for position in (0, 6, 60):
        one, other = ours(position, STAGE), feeding(position, STAGE)
        assert torch.equal(one.pictures, other.pictures)
        assert one.real_labels is not None and other.real_labels is not None
        assert one.labels is not None and other.labels is not None
        assert torch.equal(one.real_labels, other.real_labels) and torch.equal(one.labels, other.labels)
    feeding.close()


def test_weights_are_shares_of_what_is_shown() -> None:
    weights = torch.tensor([0.0, 1.0, 5.0, 0.0, 2.0])
    batch = PoolFeeding(Pool(numbered(), weights), ONE, 5, True)(0, MANY)
    shown, mirrored = read(batch)
    # Four standard errors of a share of 4,000 draws, of which 1/2 has the largest.
    assert torch.allclose(torch.bincount(shown, minlength=5) / 4000, weights / 8, atol=4 * 0.5 / 4000**0.5)
    assert not torch.isin(shown, torch.tensor([0, 3])).any()
    assert abs(float(mirrored.float().mean()) - 0.5) < 4 * 0.5 / 4000**0.5
    assert not read(PoolFeeding(Pool(numbered(), weights), ONE, 5, False)(0, MANY))[1].any()


def test_labels_of_made_pictures_are_drawn_by_weight_too_and_apart() -> None:
    pool = Pool(numbered(3), torch.tensor([1.0, 0.0, 1.0]), torch.tensor([0, 1, 2]))
    batch = PoolFeeding(pool, LABELLED, 5, False)(0, MANY)
    assert batch.real_labels is not None and batch.labels is not None
    assert torch.equal(batch.real_labels.argmax(1), read(batch)[0])
    real, made = batch.real_labels.argmax(1), batch.labels.argmax(1)
    assert not (made == 1).any()
    assert abs(float((real == made).float().mean()) - 0.5) < 4 * 0.5 / 4000**0.5  # as of two coins


def test_a_weighted_batch_depends_on_its_position_alone() -> None:
    def fed() -> PoolFeeding:
        return PoolFeeding(Pool(numbered(), torch.ones(5)), ONE, 5, True)

    feeding = fed()
    whole = torch.cat([feeding(position, STAGE).pictures for position in (0, 6, 12)])
    assert torch.equal(fed()(12, STAGE).pictures, whole[12:])
    assert torch.equal(fed()(0, Stage(0.0, SIDE, 18, 0.01)).pictures, whole)


def test_the_pool_stays_as_it_is() -> None:
    samples = numbered()
    PoolFeeding(Pool(samples), ONE, 5, True)(0, MANY)
    assert torch.equal(samples, numbered())


def test_grey_becomes_three_equal_channels() -> None:
    batch = PoolFeeding(Pool(numbered(channels=1)), Description.from_json(ONE.to_json()), 5, False)(0, STAGE)
    assert batch.pictures.shape == (6, 3, SIDE, SIDE)
    assert torch.equal(batch.pictures[:, 0], batch.pictures[:, 2])

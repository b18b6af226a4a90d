from pathlib import Path

import numpy as np
import pytest
import torch

from simulacra.errors import UserError
from simulacra.sets import PictureSet, Sampler
from simulacra.stylegan.networks import Description
from simulacra.stylegan.training.feeding import Batch, Feeding, check, fields_of
from simulacra.stylegan.training.processes import Processes
from simulacra.stylegan.training.schedule import Stage

from .toys import ONE, SMALL, write_set

STAGE = Stage(0.0, 8, 6, 0.01)


def feeding(
    path: Path, description: Description = ONE, mirror: bool = True, processes: Processes | None = None
) -> Feeding:
    return Feeding(PictureSet(path), description, 5, mirror, torch.device("cpu"), processes or Processes())


def shown(made: Feeding, position: int, stage: Stage = STAGE) -> Batch:
    given = made(position, stage)
    made.close()
    return given


def test_pictures_come_in_the_samplers_order_and_range(noise_set: Path) -> None:
    pixels = PictureSet(noise_set)
    made = feeding(noise_set)
    for position in (0, 6, 12, 60, 6):  # one after the other, then elsewhere, then back
        draw = Sampler(len(pixels), 5, True).batch(position, 6)
        expected = pixels.pictures(draw.indices).astype(np.float64) / 127.5 - 1
        expected[draw.mirrored] = expected[draw.mirrored, :, :, ::-1]
        found = made(position, STAGE).pictures
        assert found.dtype == torch.float32
        np.testing.assert_allclose(found.numpy(), expected, atol=1e-6)  # float32
    made.close()
    assert made.waited >= 0


def test_processes_share_a_batch_without_overlap(noise_set: Path) -> None:
    whole = shown(feeding(noise_set), 12).pictures
    halves = [shown(feeding(noise_set, processes=Processes(rank, 2)), 12).pictures for rank in (0, 1)]
    assert torch.equal(torch.stack(halves, dim=1).flatten(0, 1), whole)


def test_labels_of_made_pictures_are_drawn_as_often_as_in_the_set(tmp_path: Path) -> None:
    path = write_set(tmp_path / "set.zip", classes=3)
    made = feeding(path, ONE.changed(labels=3))
    drawn = torch.zeros(3)
    for position in range(0, 600, 6):
        given = made(position, STAGE)
        assert given.real_labels is not None and given.labels is not None
        indices = Sampler(30, 5, True).batch(position, 6).indices
        assert torch.equal(given.real_labels.argmax(1), torch.from_numpy(indices) % 3)
        drawn += given.labels.sum(0)
    made.close()
    assert (drawn - 200).abs().max() < 4 * (600 * 2 / 9) ** 0.5  # four standard deviations
    again = shown(feeding(path, ONE.changed(labels=3)), 594)
    assert torch.equal(again.labels, given.labels)


def test_grey_pictures_become_three_channels(tmp_path: Path) -> None:
    given = shown(feeding(write_set(tmp_path / "set.zip", colour="L")), 0)
    assert given.pictures.shape == (6, 3, 8, 8)
    assert torch.equal(given.pictures[:, 0], given.pictures[:, 2])


@pytest.mark.parametrize(
    ("description", "sentence"),
    [
        (
            Description.stylegan1(**{**SMALL, "resolution": 16}),
            "{} holds pictures of 8 px and the networks make 16 px; build the set again: simulacra data build {} "
            "OUT.zip --resolution 16",
        ),
        (ONE.changed(colours=4), "{} holds pictures of 3 channels and the networks make 4; give --set colours=3"),
        (
            ONE.changed(labels=2),
            "{} has labels of 0 numbers and the networks take 2; give --set labels=0, where 0 is to train without",
        ),
    ],
)
def test_a_set_that_does_not_fit(noise_set: Path, description: Description, sentence: str) -> None:
    with pytest.raises(UserError) as refused:
        check(PictureSet(noise_set), description)
    assert str(refused.value) == sentence.format(noise_set, noise_set)


def test_a_batch_that_cannot_be_shared(noise_set: Path) -> None:
    made = feeding(noise_set, processes=Processes(0, 4))
    with pytest.raises(UserError, match="a batch of 6 cannot be shared by 4 processes; give a --batch that 4 divides"):
        made(0, STAGE)


def test_networks_follow_from_a_set(noise_set: Path, tmp_path: Path) -> None:
    assert fields_of(PictureSet(noise_set), False) == {"resolution": 8, "colours": 3, "labels": 0}
    grey = PictureSet(write_set(tmp_path / "grey.zip", classes=5, colour="L"))
    assert fields_of(grey, True) == {"resolution": 8, "colours": 3, "labels": 5}
    assert fields_of(PictureSet(write_set(tmp_path / "clear.zip", colour="RGBA")), False)["colours"] == 4
    with pytest.raises(UserError, match=r"has no labels; leave --labels out, or build the set with some"):
        fields_of(PictureSet(noise_set), True)

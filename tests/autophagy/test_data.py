from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from PIL import Image

from simulacra import UserError
from simulacra.autophagy.data import as_rows, open_data
from simulacra.autophagy.truths import TRUTHS, nearest_mode, open_truth
from simulacra.sets.layout import DESCRIPTION, Attribute, Description, entry_name, write_description


def a_set(folder: Path, count: int = 60, classes: bool = True) -> Path:
    """Pictures of 4x4 px, the level of each its number, with a class and an attribute."""
    names = [entry_name(index) for index in range(count)]
    hats = Attribute(("bare", "hat"), np.arange(count) % 2)
    with ZipFile(folder / "set.zip", "w") as archive:
        for index, name in enumerate(names):
            data = BytesIO()
            Image.fromarray(np.full((4, 4), index, dtype=np.uint8)).save(data, "PNG")
            archive.writestr(name, data.getvalue())
        description = Description(labels=np.arange(count) % 3 if classes else None, attributes={"head": hats})
        archive.writestr(DESCRIPTION, write_description(names, description))
    return folder / "set.zip"


def numbers(pictures: torch.Tensor) -> list[int]:
    return [round(float((each[0, 0, 0] + 1) * 127.5)) for each in pictures]


def test_a_set_is_split_once_and_labels_stay_with_their_pictures(tmp_path: Path) -> None:
    path = str(a_set(tmp_path))
    data = open_data(path, reference=20)
    assert data.held == 40
    assert data.reference.shape == (20, 1, 4, 4) and data.reference.dtype == torch.float32
    apart, rest = numbers(data.reference), numbers(data.real.take(40, 0))
    assert sorted(apart + rest) == list(range(60))
    assert apart != sorted(apart)
    assert data.reference_labels is not None and data.reference_labels.tolist() == [each % 3 for each in apart]
    labels = data.real.labels(5, 7)
    assert labels is not None and labels.tolist() == [each % 3 for each in rest[7:12]]
    fewer = open_data(path, reference=20, needed=10)
    assert numbers(fewer.real.take(10, 0)) == rest[:10]
    assert fewer.identity == data.identity
    hats = open_data(path, reference=20, label="head")
    assert hats.names == ("bare", "hat")
    assert hats.identity != data.identity


def test_classes_may_be_measured_without_being_taught(tmp_path: Path) -> None:
    path = str(a_set(tmp_path))
    told, untold = (open_data(path, label="head", unconditional=kept, reference=20) for kept in (False, True))
    assert untold.real.labels(40, 0) is None and told.real.labels(40, 0) is not None
    assert untold.reference_labels is not None and told.reference_labels is not None
    assert torch.equal(untold.reference_labels, told.reference_labels)
    assert torch.equal(untold.real.take(40, 0), told.real.take(40, 0))
    assert untold.identity != told.identity
    for text in ("normal", str(a_set(tmp_path, classes=False))):
        with pytest.raises(UserError, match=r"--unconditional is given, and .* leave it out"):
            open_data(text, unconditional=True, reference=20)


def test_pictures_lie_on_the_grid_of_generators(tmp_path: Path) -> None:
    for samples in (open_data(str(a_set(tmp_path))).reference, open_data("digits", reference=50, needed=0).reference):
        levels = ((samples + 1) * 127.5).round()
        assert torch.equal(levels / 127.5 - 1, samples)


def test_the_digits_need_no_file() -> None:
    data = open_data("digits", reference=797)
    assert data.held == 1000
    assert data.names == tuple("0123456789")
    assert data.pictures


@pytest.mark.parametrize("name", TRUTHS)
def test_a_truth_is_endless_and_its_reference_apart(name: str) -> None:
    data = open_data(name, reference=30)
    assert data.held is None and not data.pictures
    assert torch.equal(data.real.take(5, 100), data.real.take(105, 0)[100:])
    assert as_rows(data.real.take(4, 0), data).shape == (4, data.reference.shape[1])
    assert not torch.equal(as_rows(data.real.take(30, 0), data), data.reference)


def test_categories_are_their_own_classes() -> None:
    data = open_data("categories:count=4", reference=30)
    assert data.names == ("0", "1", "2", "3") and data.reference_labels is not None
    assert torch.equal(data.reference.argmax(1), data.reference_labels)


def test_modes_are_where_the_samples_are() -> None:
    ring, data = open_truth("ring:modes=5,deviation=0.01"), open_data("ring:modes=5,deviation=0.01", reference=200)
    modes = ring.modes()
    assert modes is not None and data.reference_labels is not None
    assert torch.equal(nearest_mode(data.reference, modes), data.reference_labels)
    assert float((data.reference - modes[data.reference_labels]).norm(dim=1).max()) < 0.06  # six deviations
    grid = open_truth("grid:side=3").modes()
    assert grid is not None and grid.shape == (9, 2)


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    path = str(a_set(tmp_path))
    for text, options, said in (
        ("nothing.zip", {}, "--data is 'nothing.zip', and there is no such set; give digits, a zip"),
        ("ring:modes=1", {}, "modes of truth ring is 1; it must be greater than or equal to 2$"),
        ("normal:size=2", {}, "parameter of truth normal 'size' is unknown"),
        ("normal", {"label": "head"}, "--label is head, and normal has no attributes"),
        ("digits", {"label": "head"}, "the digits are labelled by their class already"),
        (path, {"label": "shoes"}, "--label is 'shoes', and the attributes of .* are: head"),
        (path, {"reference": 3}, "--reference is 3; it must be 12 or more"),
        (path, {"reference": 50, "needed": 11}, "holds 60 pictures, of which 50 are set apart .* ask for 11 of"),
    ):
        with pytest.raises(UserError, match=said):
            open_data(text, **options)  # type: ignore[arg-type]

import sys
from pathlib import Path

import numpy as np
import pytest

from simulacra.errors import MissingExtra
from simulacra.sets import PictureSet, Rules, build
from simulacra.sets.sources.digits import Digits


def test_digits_come_with_their_classes(tmp_path: Path) -> None:
    build(Digits(), tmp_path / "digits.zip", Rules(colour="grey", limit=200))
    opened = PictureSet(tmp_path / "digits.zip")
    assert (len(opened), opened.resolution, opened.channels, opened.label_dimensions) == (200, 8, 1, 10)
    found = opened.pictures(range(200))
    assert (found.min(), found.max()) == (0, 255)
    # The nearest mean tells digits apart at 90 % (scikit-learn's documentation says 0.88 to 0.9 over all of them).
    classes = opened.attributes["digit"].codes
    assert opened.labels is not None
    assert np.array_equal(opened.labels.argmax(axis=1), classes)
    flat = found.reshape(200, -1).astype(float)
    means = np.stack([flat[classes == digit].mean(axis=0) for digit in range(10)])
    nearest = np.linalg.norm(flat[:, None] - means, axis=-1).argmin(axis=1)
    assert (nearest == classes).mean() > 0.85


def test_all_digits_are_there() -> None:
    source = Digits()
    assert len(source) == 1797
    assert sum(source.attributes["digit"].counts().values()) == 1797


def test_without_the_package_its_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(MissingExtra, match=r"pip install 'simulacra\[digits\]'"):
        Digits()

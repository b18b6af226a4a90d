import io
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

import lmdb
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from simulacra.errors import MissingExtra, UserError
from simulacra.sets import PictureSet, Rules, build, source_of

MakeNoise = Callable[..., list[NDArray[np.uint8]]]


@pytest.fixture
def database(tmp_path: Path, noise: MakeNoise) -> Path:
    """Five lossless WebP files, one of them cut off, as LSUN keeps a category."""
    path = tmp_path / "church_lmdb"
    with lmdb.open(str(path), map_size=10**7) as opened, opened.begin(write=True) as transaction:
        for number, pixels in enumerate(noise(5, 12, 16, 3)):
            data = io.BytesIO()
            Image.fromarray(pixels).save(data, "WEBP", lossless=True)
            transaction.put(f"{number:040x}".encode(), data.getvalue()[: 60 if number == 3 else None])
    return path


def test_a_database_is_built_in_the_order_of_its_keys(database: Path, tmp_path: Path, noise: MakeNoise) -> None:
    with pytest.raises(UserError, match=f"1 of 5 pictures cannot be used: {3:040x} is damaged"):
        build(source_of(database), tmp_path / "set.zip", Rules(fit="crop"))
    build(source_of(database), tmp_path / "set.zip", Rules(fit="crop", skip_corrupt=True))
    opened = PictureSet(tmp_path / "set.zip")
    expected = [pixels[:, 2:14].transpose(2, 0, 1) for n, pixels in enumerate(noise(5, 12, 16, 3)) if n != 3]
    assert np.array_equal(opened.pictures(range(4)), np.stack(expected))
    assert opened.facts["source"] == {"kind": "lsun", "name": "church_lmdb"}


def test_a_source_can_be_pickled(database: Path) -> None:
    source = source_of(database)
    data = pickle.dumps(source)
    del source  # LMDB refuses the same database twice in one process
    assert pickle.loads(data).read(4, alpha=False).pixels.shape == (12, 16, 3)


def test_what_is_no_database_is_told(tmp_path: Path) -> None:
    (tmp_path / "data.mdb").write_bytes(b"nothing" * 2000)
    with pytest.raises(UserError, match="is not an LMDB database"):
        source_of(tmp_path)


def test_without_the_package_its_extra_is_named(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "lmdb", None)
    with pytest.raises(MissingExtra, match=r"LSUN needs the package lmdb.*pip install 'simulacra\[lsun\]'"):
        source_of(database)

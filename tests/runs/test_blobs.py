import os
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulacra.errors import UserError
from simulacra.runs import Blobs, CorruptBlob, StoreFull, atomic


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=200))
def test_what_was_put_comes_back_under_its_hash(blobs: Blobs, data: bytes) -> None:
    digest = blobs.put(data)
    assert digest == sha256(data).hexdigest()
    assert blobs.get(digest) == data
    assert blobs.has(digest, len(data)) and not blobs.has(digest, len(data) + 1)


def test_a_blob_lies_under_its_first_two_digits_and_is_read_only(blobs: Blobs) -> None:
    digest = blobs.put(b"frame")
    path = blobs.folder / "sha256" / digest[:2] / digest
    assert blobs.path(digest) == path
    assert path.stat().st_mode & 0o222 == 0
    assert list(blobs) == [digest]


def test_what_is_there_is_not_written_again(blobs: Blobs) -> None:
    path = blobs.path(blobs.put(b"frame"))
    before = path.stat()
    blobs.put(b"frame")
    assert path.stat().st_ino == before.st_ino


def test_a_blob_cut_short_is_put_whole_again(blobs: Blobs) -> None:
    digest = blobs.put(b"frame")
    blobs.path(digest).chmod(0o644)
    blobs.path(digest).write_bytes(b"fra")
    assert blobs.put(b"frame") == digest
    assert blobs.get(digest) == b"frame"


def test_many_writers_of_one_blob_agree(blobs: Blobs) -> None:
    with ThreadPoolExecutor(8) as pool:
        digests = set(pool.map(blobs.put, [b"the same frame"] * 32))
    assert len(digests) == 1
    assert [path.name for path in blobs.folder.rglob("*") if path.is_file()] == list(digests)


@pytest.mark.parametrize(
    "name", ["../../../../etc/passwd", "/etc/passwd", "", "ab", "A" * 64, "g" * 64, "0" * 63 + "\n"]
)
def test_no_name_leaves_the_store(blobs: Blobs, name: str) -> None:
    with pytest.raises(UserError, match="must be 64 lower-case hex digits"):
        blobs.path(name)


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_flipped_bit_is_found(blobs: Blobs, at: int) -> None:
    digest = blobs.put(b"frame")
    data = bytearray(b"frame")
    data[at] ^= 1
    blobs.path(digest).chmod(0o644)
    blobs.path(digest).write_bytes(data)
    with pytest.raises(CorruptBlob, match="has changed since it was stored; delete that file"):
        blobs.get(digest)


def test_a_missing_blob_is_named(blobs: Blobs) -> None:
    with pytest.raises(CorruptBlob, match=f"{'0' * 64} is missing"):
        blobs.get("0" * 64)


def test_a_write_that_the_system_cuts_short_goes_on(blobs: Blobs, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(atomic.os, "write", lambda descriptor, data: write(descriptor, data[:3]))
    assert blobs.get(blobs.put(b"a frame of many parts")) == b"a frame of many parts"


def test_a_file_where_the_folder_should_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "blobs").write_text("a file")
    with pytest.raises(UserError, match="cannot be written") as caught:
        Blobs(tmp_path / "blobs").put(b"frame")
    assert not isinstance(caught.value, StoreFull)

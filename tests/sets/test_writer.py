import errno
import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile

import pytest
from filelock import FileLock

from simulacra.errors import UserError
from simulacra.sets.writer import new_zip, png, refuse_without_space

from .conftest import noise


def fill(path: Path) -> None:
    with new_zip(path) as write:
        write("b.txt", b"two")
        write("a.txt", b"one")


def test_the_bytes_depend_on_the_content_only(tmp_path: Path) -> None:
    fill(tmp_path / "one.zip")
    fill(tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with ZipFile(tmp_path / "one.zip") as archive:
        assert {info.compress_type for info in archive.infolist()} == {ZIP_STORED}
        assert archive.read("a.txt") == b"one"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.zip", "two.zip"]


def test_pictures_are_stored_as_they_are() -> None:
    for shape in ((1, 8, 8), (3, 8, 8), (4, 8, 8)):
        picture = noise(1, *shape)[0]
        # A PNG without compression is a little longer than its pixels, and never shorter.
        assert picture.size < len(png(picture)) < picture.size + 200


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), new_zip(tmp_path / "set.zip") as write:
        write("a.txt", b"one")
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_nothing_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match=r"set\.zip cannot be written: the disk is full; nothing is left of it"):
        fill(tmp_path / "set.zip")
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_fit_is_refused_before_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 10**9))
    refuse_without_space(tmp_path / "set.zip", 80_000, 12_000)
    with pytest.raises(UserError, match=r"needs about 1\.1 GB, and 1\.0 GB are free there"):
        refuse_without_space(tmp_path / "set.zip", 90_000, 12_000)


def test_a_kill_never_leaves_half_a_set_under_its_name(tmp_path: Path) -> None:
    path = tmp_path / "set.zip"
    code = (
        "import os, signal, sys; from pathlib import Path; from simulacra.sets.writer import new_zip\n"
        "with new_zip(Path(sys.argv[1])) as write:\n"
        "    write('a.txt', b'one' * 100_000); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not path.exists()
    fill(path)
    with ZipFile(path) as archive:
        assert archive.testzip() is None
    assert [each.name for each in tmp_path.iterdir()] == ["set.zip"]


def test_two_writers_of_one_set_do_not_mix(tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".set.zip.lock"),
        pytest.raises(UserError, match=r"another process is writing .*set\.zip; wait for it"),
    ):
        fill(tmp_path / "set.zip")


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"precious")
    for name, said in (("set.zip", "exists"), ("set", r"does not end in \.zip"), ("no/set.zip", "is no folder")):
        with pytest.raises(UserError, match=said):
            fill(tmp_path / name)
    assert (tmp_path / "set.zip").read_bytes() == b"precious"

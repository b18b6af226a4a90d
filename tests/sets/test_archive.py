import pickle
import zlib
from pathlib import Path
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, ZipFile

import pytest

from simulacra.errors import UserError
from simulacra.sets.archive import open_archive

FILES = {"b/2.txt": b"two" * 5000, "a.txt": b"", "b/1.txt": bytes(range(256))}


@pytest.fixture(params=["stored", "deflated", "folder"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    extra = {".hidden": b"x", "b/.DS_Store": b"x"}
    if request.param == "folder":
        for name, data in (FILES | extra).items():
            (tmp_path / "held" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "held" / name).write_bytes(data)
        return tmp_path / "held"
    made = tmp_path / "held.zip"
    with ZipFile(made, "w", ZIP_STORED if request.param == "stored" else ZIP_DEFLATED) as archive:
        for name, data in (FILES | extra | {"__MACOSX/b/._1.txt": b"x", "b/": b""}).items():
            archive.writestr(name, data)
    return made


def test_files_are_named_in_order_and_read_whole(path: Path) -> None:
    archive = open_archive(path)
    assert archive.names == tuple(sorted(FILES))
    for name, data in FILES.items():
        assert archive.read(name) == data
        assert archive.checksum(name) == (len(data), zlib.crc32(data))
        assert archive.head(name) == data[:4096]


def test_an_archive_survives_pickling(path: Path) -> None:
    archive = open_archive(path)
    archive.read("b/1.txt")
    again = pickle.loads(pickle.dumps(archive))
    assert again.read("b/2.txt") == FILES["b/2.txt"]


@pytest.mark.parametrize("method", [ZIP_STORED, ZIP_DEFLATED])
def test_a_flipped_byte_is_damage(tmp_path: Path, method: int) -> None:
    path = tmp_path / "held.zip"
    with ZipFile(path, "w", method) as archive:
        archive.writestr("1.txt", bytes(range(256)) * 4)
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"^1\.txt in .*held\.zip is damaged: its bytes do not fit its checksum"):
        open_archive(path).read("1.txt")


def test_a_rare_compression_is_told(tmp_path: Path) -> None:
    path = tmp_path / "held.zip"
    with ZipFile(path, "w", ZIP_BZIP2) as archive:
        archive.writestr("1.txt", b"data")
    with pytest.raises(UserError, match="compressed in a rare way"):
        open_archive(path).read("1.txt")


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="does not exist"):
        open_archive(tmp_path / "nothing")
    (tmp_path / "half.zip").write_bytes(b"PK\3\4 and no end")
    with pytest.raises(UserError, match="as a zip it is damaged or cut off"):
        open_archive(tmp_path / "half.zip")

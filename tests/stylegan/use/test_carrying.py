from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.animation import write_gif, write_webp
from simulacra.images.pixels import Pixels
from simulacra.reports.video import write_mp4
from simulacra.stylegan.use.carrying import embed, packet, text_of

TEXTS = ['{"a": 1}', '{"quoted": "<&\'>\\"", "long": "' + "x" * 1000 + '"}']
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
Writer = Callable[[Path, list[Pixels], list[int]], None]


def frames(count: int = 3) -> list[Pixels]:
    return [np.full((16, 24, 3), 60 * index, np.uint8) for index in range(count)]


@pytest.mark.parametrize("text", TEXTS, ids=["short", "long"])
@pytest.mark.parametrize("write", [write_webp, write_gif, write_mp4])
def test_a_film_carries_its_text_and_plays_as_before(write: Writer, text: str, tmp_path: Path) -> None:
    path, plain = tmp_path / "film", tmp_path / "plain"
    for each in (path, plain):
        write(each, frames(), [40, 50, 60])
    assert text_of(path) is None
    embed(path, text)
    assert text_of(path) == text
    assert played(path, write) == played(plain, write)


def test_other_programs_find_the_text_too(tmp_path: Path) -> None:
    write_webp(tmp_path / "a.webp", frames(), 40)
    write_gif(tmp_path / "a.gif", frames(), 40)
    for name in ("a.webp", "a.gif"):
        embed(tmp_path / name, TEXTS[1])
    with Image.open(tmp_path / "a.gif") as film:
        assert film.info["comment"].decode() == TEXTS[1]
    with Image.open(tmp_path / "a.webp") as film:
        assert film.info["xmp"] == packet(TEXTS[1])
    (described,) = ElementTree.fromstring(packet(TEXTS[1])).iter(f"{{{RDF}}}Description")
    assert described.attrib["{urn:simulacra:picture}record"] == TEXTS[1]


@pytest.mark.parametrize("ending", ["png", "webp", "gif", "jpg", "bmp"])
def test_pictures_of_other_programs_carry_nothing(ending: str, tmp_path: Path) -> None:
    Image.new("RGB", (5, 5)).save(tmp_path / f"a.{ending}", comment=b"mine", xmp=b"<mine/>")
    assert text_of(tmp_path / f"a.{ending}") is None


@pytest.mark.parametrize("write", [write_webp, write_gif, write_mp4])
def test_a_file_cut_off_anywhere_is_read_without_a_fault(write: Writer, tmp_path: Path) -> None:
    path = tmp_path / "film"
    write(path, frames(), [40, 50, 60])
    embed(path, TEXTS[0])
    data = path.read_bytes()
    for kept in range(0, len(data), 37):
        path.write_bytes(data[:kept])
        text_of(path)


def test_a_file_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match=r"^missing\.png cannot be read: No such file or directory; check the name$"):
        text_of(Path("missing.png"))


def played(path: Path, write: Writer) -> list[tuple[int, bytes]]:
    """Duration and pixels of every frame."""
    if write is write_mp4:
        import av

        with av.open(str(path)) as film:
            return [(frame.pts, frame.to_ndarray(format="rgb24").tobytes()) for frame in film.decode(video=0)]
    shown = []
    with Image.open(path) as film:
        for index in range(film.n_frames):  # type: ignore[attr-defined]
            film.seek(index)
            pixels = film.convert("RGB").tobytes()
            shown.append((film.info["duration"], pixels))
    return shown

from pathlib import Path

import av
import numpy as np
import pytest

from simulacra.copying.result import CopyResult
from simulacra.errors import MissingExtra, UserError
from simulacra.images.animation import schedule
from simulacra.reports import video, write_report
from simulacra.reports.film import write_film_mp4
from simulacra.reports.video import write_mp4

from .conftest import portrait


def test_every_frame_stands_for_its_time(tmp_path: Path) -> None:
    frames = [portrait(64), np.full((64, 64, 3), (200, 120, 40), np.uint8), portrait(64, "coffee")]
    write_mp4(tmp_path / "film.mp4", frames, [1000, 250, 1500])
    with av.open(str(tmp_path / "film.mp4")) as film:
        stream = film.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.duration * stream.time_base) == pytest.approx(2.75)
        read = list(film.decode(video=0))
    assert [frame.time for frame in read] == pytest.approx([0, 1, 1.25])
    for frame, pixels in zip(read, frames, strict=True):
        seen = frame.reformat(format="rgb24", src_colorspace="ITU709", dst_colorspace="ITU709").to_ndarray()
        # Lossy, with colours at half resolution: within a few of 255 levels on average.
        assert np.abs(seen.astype(float) - pixels).mean() < 6


def test_an_odd_picture_repeats_its_last_row_and_column(tmp_path: Path) -> None:
    write_mp4(tmp_path / "film.mp4", [portrait(63)], [1500])
    with av.open(str(tmp_path / "film.mp4")) as film:
        (frame,) = film.decode(video=0)
    assert (frame.width, frame.height) == (64, 64)


def test_the_same_run_gives_the_same_bytes(result: CopyResult, tmp_path: Path) -> None:
    for name in ("one.mp4", "two.mp4"):
        write_film_mp4(result, tmp_path / name)
    assert (tmp_path / "one.mp4").read_bytes() == (tmp_path / "two.mp4").read_bytes()
    with av.open(str(tmp_path / "one.mp4")) as film:
        stream = film.streams.video[0]
        assert stream.frames == 21
        assert float(stream.duration * stream.time_base) == pytest.approx(sum(schedule(21)) / 1000)


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be written"):
        write_mp4(tmp_path / "missing" / "film.mp4", [portrait(16)], [100])


def test_only_written_where_the_extra_is_installed_or_asked_for(
    result: CopyResult, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write_report(result).film_mp4 == result.folder / "film.mp4"
    assert 'href="film.mp4"' in (result.folder / "page.html").read_text(encoding="utf-8")
    (result.folder / "film.mp4").unlink()
    monkeypatch.setitem(__import__("sys").modules, "av", None)  # importing it fails
    monkeypatch.setattr(video, "find_spec", lambda name: None)
    assert write_report(result).film_mp4 is None
    assert not (result.folder / "film.mp4").exists()
    assert "film.mp4" not in (result.folder / "page.html").read_text(encoding="utf-8")
    with pytest.raises(MissingExtra, match=r"simulacra\[video\]"):
        write_report(result, mp4=True)

import os
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from struct import pack
from zlib import crc32

import numpy as np
import pytest
from PIL import Image, ImageFile

from simulacra.errors import UserError
from simulacra.images.open import open_picture, picture_files, read_picture

Y, X = np.mgrid[:24, :36]
PIXELS = np.stack([X * 7, Y * 10, (X + Y) * 4], axis=-1).astype(np.uint8)
"""No two rows, columns or corners alike, so that every flip and turn shows."""

LOSSLESS = ["png", "bmp", "tif", "ppm", "tga", "qoi", "pcx", "sgi", "jp2", "dds", "webp"]
LOSSY = {"jpg": 12, "avif": 12, "gif": 20}  # how far, in levels, the default coder may be off on this picture

UPRIGHT: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    # What the sensor recorded -> what a person saw, from the table of the EXIF standard.
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: a[::-1].swapaxes(0, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: a.swapaxes(0, 1)[::-1],
}


@pytest.mark.parametrize("extension", LOSSLESS)
def test_lossless_formats_open_exactly_and_say_nothing(extension: str, tmp_path: Path) -> None:
    opened = open_picture(_save(tmp_path / f"a.{extension}"))
    assert np.array_equal(opened.pixels, PIXELS)
    assert opened.pixels.flags.writeable
    assert opened.told == ()


@pytest.mark.parametrize("extension", LOSSY)
def test_lossy_formats_open_closely(extension: str, tmp_path: Path) -> None:
    opened = open_picture(_save(tmp_path / f"a.{extension}"))
    assert np.abs(opened.pixels.astype(int) - PIXELS).max() <= LOSSY[extension]
    assert opened.told == (("palette expanded to RGB",) if extension == "gif" else ())


@pytest.mark.parametrize("extension", ["png", "jpg", "tif", "webp", "avif"])
@pytest.mark.parametrize("orientation", UPRIGHT)
def test_pictures_stand_upright(extension: str, orientation: int, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    opened = open_picture(_save(tmp_path / f"a.{extension}", exif=exif))
    expected = UPRIGHT[orientation](PIXELS)
    assert opened.pixels.shape == expected.shape
    assert np.abs(opened.pixels.astype(int) - expected).max() <= LOSSY.get(extension, 0)
    assert opened.told == ((f"EXIF orientation {orientation} applied",) if orientation > 1 else ())


def test_an_unknown_orientation_is_no_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 9
    assert open_picture(_save(tmp_path / "a.png", exif=exif)).told == ()


def test_damaged_exif_is_told_and_the_picture_opens(tmp_path: Path) -> None:
    opened = open_picture(_save(tmp_path / "a.png", exif=b"Exif\0\0no such thing"))
    assert np.array_equal(opened.pixels, PIXELS)
    assert opened.told == ("its EXIF data are damaged and were ignored",)


@pytest.mark.parametrize("extension", ["png", "tif", "webp"])
def test_transparency_is_placed_on_white(extension: str, tmp_path: Path) -> None:
    alpha = (X * 255 // 35).astype(np.uint8)
    image = Image.fromarray(np.dstack([PIXELS, alpha]))
    opened = open_picture(_save(tmp_path / f"a.{extension}", image))
    weight = alpha[..., None] / 255
    # Exact to the rounding of the blend.
    assert np.abs(opened.pixels - (PIXELS * weight + 255 * (1 - weight))).max() <= 0.51
    assert opened.told == ("transparency placed on white",)


def test_alpha_is_kept_where_it_is_asked_for(tmp_path: Path) -> None:
    pixels = np.dstack([PIXELS, X.astype(np.uint8)])
    Image.fromarray(pixels).save(tmp_path / "a.png")
    for path, expected in ((tmp_path / "a.png", pixels), (_save(tmp_path / "b.png"), np.dstack([PIXELS, Y * 0 + 255]))):
        with path.open("rb") as file:
            opened = read_picture(file, "a picture", alpha=True)
        assert np.array_equal(opened.pixels, expected)
        assert opened.told == ()
    with (tmp_path / "a.png").open("rb") as file:
        assert read_picture(file, "a picture").told == ("transparency placed on white",)


def test_opaque_alpha_is_not_worth_a_word(tmp_path: Path) -> None:
    image = Image.fromarray(np.dstack([PIXELS, np.full_like(PIXELS[..., 0], 255)]))
    opened = open_picture(_save(tmp_path / "a.png", image))
    assert np.array_equal(opened.pixels, PIXELS)
    assert opened.told == ()


@pytest.mark.parametrize("extension", ["png", "gif"])
def test_a_transparent_palette_entry_becomes_white(extension: str, tmp_path: Path) -> None:
    image = Image.new("P", (4, 1))
    image.putpalette([10, 20, 30, 200, 100, 0, 5, 5, 5])
    image.putdata([0, 1, 2, 1])
    opened = open_picture(_save(tmp_path / f"a.{extension}", image, transparency=1))
    assert opened.pixels[0].tolist() == [[10, 20, 30], [255, 255, 255], [5, 5, 5], [255, 255, 255]]
    assert opened.told == ("palette expanded to RGB", "transparency placed on white")


def test_grey_and_black_and_white_are_expanded(tmp_path: Path) -> None:
    grey = Image.fromarray(PIXELS[..., 0])
    opened = open_picture(_save(tmp_path / "grey.png", grey))
    assert np.array_equal(opened.pixels, np.repeat(PIXELS[..., :1], 3, axis=-1))
    assert opened.told == ("grey expanded to RGB",)

    alpha = Image.merge("LA", (grey, Image.new("L", grey.size, 0)))
    opened = open_picture(_save(tmp_path / "ghost.png", alpha))
    assert opened.pixels.min() == 255
    assert opened.told == ("grey expanded to RGB", "transparency placed on white")

    opened = open_picture(_save(tmp_path / "ink.png", grey.point(lambda v: 255 * (v > 99), "1")))
    assert np.array_equal(opened.pixels[..., 1], 255 * (PIXELS[..., 0] > 99))
    assert opened.told == ("black and white expanded to RGB",)


@pytest.mark.parametrize("extension", ["jpg", "tif"])
def test_cmyk_without_a_profile_is_told_to_be_approximate(extension: str, tmp_path: Path) -> None:
    inks = Image.new("CMYK", (16, 16), (0, 255, 255, 0))
    opened = open_picture(_save(tmp_path / f"a.{extension}", inks))
    assert np.abs(opened.pixels[8, 8].astype(int) - [255, 0, 0]).max() <= 2
    assert opened.told == ("CMYK converted to RGB without an ICC profile, so its colours are approximate",)


def test_a_png_says_its_gamma_unless_it_says_srgb(png: Callable[..., Path]) -> None:
    linear = (b"gAMA", pack(">I", 100000))
    assert open_picture(png(PIXELS, chunks=(linear,))).told == ("gamma 1 converted to that of sRGB",)
    assert open_picture(png(PIXELS, chunks=(linear, (b"sRGB", b"\0")))).told == ()
    assert open_picture(png(PIXELS, chunks=((b"gAMA", pack(">I", 45455)),))).told == ()


@pytest.mark.parametrize("extension", ["gif", "webp", "png", "avif", "tif"])
def test_an_animation_gives_its_first_picture(extension: str, tmp_path: Path) -> None:
    later = [Image.fromarray(np.roll(PIXELS, 9 * k, axis=1)) for k in (1, 2)]
    opened = open_picture(_save(tmp_path / f"a.{extension}", save_all=True, append_images=later))
    assert np.abs(opened.pixels.astype(int) - PIXELS).max() <= LOSSY.get(extension, 0)
    assert opened.told[0] == "the first of 3 pictures in the file taken"


def test_warnings_of_the_decoder_are_told(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png", save_all=True, append_images=[Image.fromarray(PIXELS[::-1])])
    data = path.read_bytes()
    at = data.index(b"acTL")
    no_frames = b"acTL" + pack(">II", 0, 0)
    path.write_bytes(data[:at] + no_frames + pack(">I", crc32(no_frames)) + data[at + 16 :])
    opened = open_picture(path)
    assert np.array_equal(opened.pixels, PIXELS)
    assert opened.told == ("the decoder warns: Invalid APNG, will use default PNG image if possible",)


def test_shrinks_when_asked(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.png")
    opened = open_picture(path, longest_side=18)
    assert opened.pixels.shape == (12, 18, 3)
    assert opened.told == ("shrunk from 36x24 to 18x12 px",)
    assert open_picture(path, longest_side=36).told == ()


def test_a_side_beyond_a_frame_needs_a_size(tmp_path: Path) -> None:
    path = _save(tmp_path / "long.png", Image.new("RGB", (16384, 1)))
    with pytest.raises(UserError, match="is 16384x1 px, and a frame can have at most 16383 px a side; shrink it with"):
        open_picture(path)
    assert open_picture(path, longest_side=100).pixels.shape == (1, 100, 3)


@pytest.mark.parametrize("extension", ["jpg", "png", "gif", "webp", "avif", "tif", "bmp", "jp2", "ppm", "qoi", "tga"])
def test_a_file_cut_off_anywhere_is_whole_or_refused(extension: str, tmp_path: Path) -> None:
    # Never a picture with a grey or black rest: what a short file gives is either every pixel or one sentence.
    noise = np.random.default_rng(4).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    whole = _save(tmp_path / f"whole.{extension}", Image.fromarray(noise))
    data, pixels = whole.read_bytes(), open_picture(whole).pixels
    part = tmp_path / f"part.{extension}"
    refused = 0
    for length in range(0, len(data), max(1, len(data) // 150)):
        part.write_bytes(data[:length])
        try:
            assert np.array_equal(open_picture(part).pixels, pixels)
        except UserError as error:
            _one_sentence(error, str(part))
            refused += 1
    assert refused > 100


def test_jpeg_2000_cut_off_where_a_tile_begins_is_refused(tmp_path: Path) -> None:
    # Its decoder stops without a word right after the marker of a tile and leaves the rest black.
    data = _save(tmp_path / "whole.jp2", tile_size=(16, 16)).read_bytes()
    tiles = [at for at in range(len(data)) if data[at : at + 2] == b"\xff\x90"]
    assert len(tiles) == 6
    for at in tiles:
        (tmp_path / "part.jp2").write_bytes(data[: at + 2])
        with pytest.raises(UserError, match="is damaged or cut off"):
            open_picture(tmp_path / "part.jp2")


@pytest.mark.parametrize("extension", ["jpg", "png", "gif", "webp", "avif", "tif", "jp2", "ico"])
def test_damaged_bytes_open_or_are_refused(extension: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(20261121)
    exif = Image.Exif()
    exif[0x0112] = 6
    data = _save(tmp_path / f"whole.{extension}", **({} if extension == "ico" else {"exif": exif})).read_bytes()
    path = tmp_path / f"damaged.{extension}"
    for _ in range(60):
        damaged = np.frombuffer(data, dtype=np.uint8).copy()
        damaged[rng.integers(0, min(len(data), 300), 3)] = rng.integers(0, 256, 3)
        path.write_bytes(damaged.tobytes())
        try:
            open_picture(path, pixel_limit=10_000_000)
        except UserError as error:
            _one_sentence(error, str(path))


def test_a_truncated_file_is_refused_whatever_others_told_pillow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = _save(tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-90])
    monkeypatch.setattr(ImageFile, "LOAD_TRUNCATED_IMAGES", True)
    with pytest.raises(UserError, match=r"is damaged or cut off: .*; get a whole copy of it"):
        open_picture(path)
    assert ImageFile.LOAD_TRUNCATED_IMAGES is True


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")  # the refusal must not hang on it
@pytest.mark.parametrize("side", [(60000, 60000), (11000, 10000)])  # beyond Pillow's own error, and below its warning
def test_a_bomb_is_refused_by_its_header(
    side: tuple[int, int], png: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("pixels were decoded"))
    width, height = side
    with pytest.raises(UserError) as caught:
        open_picture(png(PIXELS, size=side))
    _one_sentence(caught.value, f"claims {width}x{height} px")
    assert f"above the limit of 100,000,000; if you trust it, type --pixel-limit {width * height}" in str(caught.value)


def test_the_limit_can_be_moved_both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(tmp_path / "a.png")
    with pytest.raises(UserError, match="claims 36x24 px, which is 864 pixels and above the limit of 863"):
        open_picture(path, pixel_limit=863)
    assert open_picture(path, pixel_limit=864).pixels.shape == PIXELS.shape
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)  # of someone else in this process
    assert open_picture(path).pixels.shape == PIXELS.shape
    with pytest.raises(UserError, match="--pixel-limit is 0; it must be 1 or more"):
        open_picture(path, pixel_limit=0)


def test_a_bomb_inside_an_icon_is_refused(png: Callable[..., Path], tmp_path: Path) -> None:
    inner = png(PIXELS, size=(60000, 60000)).read_bytes()
    directory = pack("<HHH", 0, 1, 1) + pack("<BBBBHHII", 16, 16, 0, 0, 1, 32, len(inner), 22)
    (tmp_path / "a.ico").write_bytes(directory + inner)
    with pytest.raises(UserError, match="claims more than 100,000,000 pixels; if you trust it, type a higher"):
        open_picture(tmp_path / "a.ico")


def test_nothing_global_is_changed(tmp_path: Path, png: Callable[..., Path]) -> None:
    before = Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)
    good, bomb = _save(tmp_path / "a.png"), png(PIXELS, size=(60000, 60000))
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(_outcome, [good, bomb] * 8))
    assert results == ["opened", "refused"] * 8
    assert (Image.MAX_IMAGE_PIXELS, ImageFile.LOAD_TRUNCATED_IMAGES, list(warnings.filters)) == before


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("text.png", b"Dear diary, this is not a picture.\n" * 9, "is not a picture, or its beginning is damaged"),
        ("empty.png", b"", "is empty"),
        ("drawing.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
        ("nothing.ppm", b"P6 0 0 255\n", "is not a picture, or its beginning is damaged"),
        ("noise.jpg", bytes(range(256)) * 4, "is not a picture"),
    ],
)
def test_what_is_no_picture_is_refused(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError) as caught:
        open_picture(tmp_path / name)
    _one_sentence(caught.value, said)


def test_no_sides_are_refused(png: Callable[..., Path]) -> None:
    with pytest.raises(UserError, match="is not a picture, or its beginning is damaged"):
        open_picture(png(PIXELS, size=(0, 24)))


def test_what_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = _save(tmp_path / "a.png")
    os.mkfifo(tmp_path / "pipe")
    for wrong, said in [
        (tmp_path / "none.png", "none.png does not exist; check the name"),
        (tmp_path, "is a folder; give a picture file"),
        (tmp_path / "pipe", "is not a regular file"),
        (path / "b.png", "cannot be read: Not a directory"),
        (Path("a\0b.png"), r"a\x00b.png cannot be read: embedded null"),
    ]:
        with pytest.raises(UserError) as caught:
            open_picture(wrong)
        _one_sentence(caught.value, said)

    def forbidden(*_: object) -> None:  # a real one does not stop the superuser, as which tests may run
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", forbidden)
    with pytest.raises(UserError, match=r"a\.png cannot be read: Permission denied; check its name and permissions"):
        open_picture(path)


def test_names_of_any_bytes_open_and_print(tmp_path: Path) -> None:
    name = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.png"))
    _save(name)
    assert np.array_equal(open_picture(name).pixels, PIXELS)
    assert picture_files([tmp_path]) == [name]
    name.write_bytes(b"no picture")
    with pytest.raises(UserError) as caught:
        open_picture(name)
    _one_sentence(caught.value, r"caf\xe9\n.png is not a picture")


def test_a_folder_gives_its_pictures_by_name(tmp_path: Path) -> None:
    for name in ("b.PNG", "a.jpeg", "c.avif", "notes.txt", "data.h5", "film.mpg", ".hidden.png", "no_extension"):
        (tmp_path / name).write_bytes(b"?")
    (tmp_path / "inner.png").mkdir()
    single = tmp_path / "notes.txt"  # a file is taken as given, whatever its name
    assert [p.name for p in picture_files([single, tmp_path])] == ["notes.txt", "a.jpeg", "b.PNG", "c.avif"]
    assert picture_files([]) == []


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("?")
    with pytest.raises(UserError) as caught:
        picture_files([tmp_path])
    _one_sentence(caught.value, "holds no picture; give a picture file")


def test_a_folder_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "iterdir", forbidden)
    with pytest.raises(UserError, match="cannot be read: Permission denied"):
        picture_files([tmp_path])


def _save(path: Path, image: Image.Image | None = None, **options: object) -> Path:
    options.update({".webp": {"lossless": True, "exact": True}, ".sgi": {"rle": False}}.get(path.suffix, {}))
    (image or Image.fromarray(PIXELS)).save(path, **options)
    return path


def _outcome(path: Path) -> str:
    try:
        open_picture(path)
    except UserError:
        return "refused"
    return "opened"


def _one_sentence(error: UserError, part: str) -> None:
    assert part in str(error)
    assert str(error).isprintable()
    assert not str(error).endswith(".")

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from simulacra.errors import UserError
from simulacra.images.animation import write_webp
from simulacra.stylegan import shipped
from simulacra.stylegan.networks import build_discriminator, digest, save_network
from simulacra.stylegan.use import (
    Blend,
    Grid,
    Interpolation,
    Maker,
    Mixing,
    NoiseByLayer,
    Picture,
    Realisations,
    Truncation,
    find_network,
    open_network,
    read_record,
    replay,
    write_figure,
    write_film,
)
from simulacra.stylegan.use.carrying import packet
from simulacra.stylegan.use.figure import Figure

from .toys import PLAIN, RICH, maker, network, saved

FIGURES: list[Figure] = [
    Picture.of(seed=3, psi=0.7, cutoff=2, noise="seed"),
    Grid.of(seeds=(1, 2, 3), columns=2, psi=0.1, noise=7),
    Truncation.of(seeds=(1,), psis=(1, 1 / 3)),
    Mixing.of(sources=(1,), targets=(2,), noise="none"),
    Blend.of(weights=(0.2, 0.3, 0.5), alone=True),
    Realisations.of(seeds=(1,), shown=1, draws=2),
    NoiseByLayer.of(seeds=(1,)),
]


@pytest.fixture(autouse=True)
def nothing_shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shipped, "_FILE", tmp_path / "not-here.safetensors")


@pytest.mark.parametrize("ending", ["png", "webp"])
@pytest.mark.parametrize("figure", FIGURES, ids=[figure.name for figure in FIGURES])
def test_every_figure_comes_back_bit_for_bit(figure: Figure, ending: str, tmp_path: Path) -> None:
    old, new = tmp_path / f"old.{ending}", tmp_path / f"new.{ending}"
    record = write_figure(figure, maker(RICH), old)
    again = replay(old, new, maker(RICH))
    assert again.equal and again.told == () and again.record == record
    assert old.read_bytes() == new.read_bytes()


def test_a_film_comes_back_bit_for_bit(tmp_path: Path) -> None:
    old, new = tmp_path / "old.webp", tmp_path / "new.webp"
    write_film(Interpolation.of(seeds=(1, 2), between=3, space="z"), maker(RICH), old, write_webp)
    again = replay(old, new, maker(RICH), write_webp)
    assert again.equal and again.told == () and old.read_bytes() == new.read_bytes()
    with pytest.raises(UserError, match=r"^the picture is a film; .*must end in \.webp, \.gif or \.mp4$"):
        replay(old, tmp_path / "new.png", maker(RICH))


def test_pixels_that_were_changed_are_told_and_the_new_picture_is_the_first_one(tmp_path: Path) -> None:
    path = tmp_path / "a.webp"
    record = write_figure(Picture.of(seed=1), maker(PLAIN), path)
    with Image.open(path) as image:
        image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(
            path, lossless=True, exact=True, xmp=packet(record.to_text())
        )
    again = replay(path, tmp_path / "b.webp", maker(PLAIN))
    assert again.equal
    assert again.told == (f"the pixels of {path} were changed since it was made",)


def test_a_damaged_picture_is_made_again_from_its_record(tmp_path: Path) -> None:
    path, new = tmp_path / "a.png", tmp_path / "b.png"
    write_figure(Picture.of(seed=1), maker(PLAIN), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: whole.index(b"IDAT") - 4] + whole[whole.index(b"iTXt") - 4 :])  # no pixels, but the record
    again = replay(path, new, maker(PLAIN))
    assert again.equal and new.read_bytes() == whole
    assert len(again.told) == 1 and again.told[0].startswith(f"{path} is damaged or cut off: ")


def test_other_versions_are_told_and_other_bits_are_seen(tmp_path: Path) -> None:
    path = _rewritten(tmp_path, packages={"torch": "1.0"}, pixels="p1:other")
    again = replay(path, tmp_path / "b.webp", maker(PLAIN))
    assert not again.equal
    assert again.told[0].startswith("it was made with torch 1.0, and this is torch ")


def test_another_network_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write_figure(Picture.of(seed=1), maker(PLAIN), path)
    with pytest.raises(UserError, match=r"^the network \w{12}\.\.\. did not make .*a\.png; \w{12}\.\.\. did$"):
        replay(path, tmp_path / "b.png", maker(PLAIN, seed=2))


def test_the_network_is_found_beside_the_picture(tmp_path: Path) -> None:
    wanted = saved(tmp_path, PLAIN, 2, generation=5)
    saved(tmp_path, RICH)
    save_network(build_discriminator(PLAIN, 1), tmp_path / "a-discriminator.safetensors")
    (tmp_path / "another.safetensors").write_text("no network")
    picture = tmp_path / "a.png"
    write_figure(Picture.of(), open_network(wanted), picture)
    found = find_network(read_record(picture).network, picture)
    assert found.network == digest(network(PLAIN, 2)) and found.generation == 5


def test_the_shipped_network_and_the_one_given_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "networks").mkdir()
    path = saved(tmp_path / "networks", PLAIN)
    wanted, picture = digest(network(PLAIN)), tmp_path / "a.png"
    assert find_network(wanted, picture, path).network == wanted
    with pytest.raises(
        UserError, match=r"^the network that made .*a\.png is neither the one that comes with simulacra"
    ):
        find_network(wanted, picture)
    monkeypatch.setattr(shipped, "_FILE", path)
    assert find_network(wanted, picture).network == wanted == open_network().network
    with pytest.raises(UserError, match=r"is not the network that made .*a\.png: its digest is \w{12}\.\.\., and 00"):
        find_network("00" * 32, picture, path)


def test_without_a_shipped_network_one_sentence_says_so() -> None:
    with pytest.raises(UserError, match=r"^no trained network comes with this installation; name the file of one: "):
        open_network()


def test_a_network_that_has_not_grown_draws_with_what_it_has(tmp_path: Path) -> None:
    growing = PLAIN.changed(progressive=True)
    made = {lod: open_network(saved(tmp_path, growing, lod=lod)).one(3, None, 1.0, None, "none") for lod in (0.0, 1.0)}
    assert np.array_equal(made[1.0][::2, ::2], made[1.0][1::2, 1::2])  # pictures of half the size, enlarged
    assert not np.array_equal(made[0.0], made[1.0])
    with pytest.raises(UserError, match="lod is 9"):
        open_network(saved(tmp_path, growing, lod=9))
    with pytest.raises(UserError, match="says that its level of detail is 'half'; it must be a number"):
        open_network(saved(tmp_path, growing, lod="half"))


def test_a_generation_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"says that its generation is 'first'; it must be a whole number$"):
        open_network(saved(tmp_path, PLAIN, generation="first"))


def test_pictures_without_a_record_are_refused(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(UserError, match=r"a\.png carries no record of its making, or is cut off; only pic"):
        read_record(tmp_path / "a.png")


def _rewritten(folder: Path, **changes: Any) -> Path:
    """A picture whose record was changed."""
    path = folder / "a.webp"
    made_by: Maker = maker(PLAIN)
    record = write_figure(Picture.of(seed=1), made_by, path)
    text = json.dumps(json.loads(record.to_text()) | changes)
    with Image.open(path) as image:
        image.copy().save(path, lossless=True, exact=True, xmp=packet(text))
    return path

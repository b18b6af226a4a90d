import json
from typing import Any

import numpy as np
import pytest

from simulacra.errors import UserError
from simulacra.images.pixels import pixel_digest
from simulacra.stylegan.networks import digest
from simulacra.stylegan.use import Interpolation, Maker, Mixing, Picture, Record
from simulacra.stylegan.use.figure import Figure
from simulacra.stylegan.use.record import Digest

from .toys import PLAIN, network

FIGURES = [Picture.of(seed=17, psi=0.7, cutoff=4, noise=17), Mixing.of(layers=("coarse",)), Interpolation.of(space="z")]


def record(figure: Figure = FIGURES[0], **changes: Any) -> Record:
    made = Record.of(figure, Maker(network(PLAIN), generation=3), "p1:00")
    return made.model_copy(update=changes)


def test_a_record_names_what_decides_the_pixels() -> None:
    fields = json.loads(record().to_text())
    assert fields["settings"] == {"seed": 17, "psi": 0.7, "cutoff": 4, "noise": 17, "label": None}
    assert fields["network"] == digest(network(PLAIN)) and fields["generation"] == 3
    assert fields["figure"] == "picture" and fields["device"] == "cpu" and fields["pixels"] == "p1:00"
    assert set(fields["packages"]) == {"simulacra", "torch", "pillow"}
    assert (fields["format"], fields["version"]) == ("simulacra-picture", 1)


@pytest.mark.parametrize("figure", FIGURES, ids=[figure.name for figure in FIGURES])
def test_a_record_comes_back_with_its_figure(figure: Figure) -> None:
    text = record(figure).to_text()
    assert text.isascii() and "\n" not in text
    assert Record.read(text, "a.png") == record(figure)
    assert Record.read(text, "a.png").drawing() == figure


def test_fields_of_a_later_simulacra_are_passed_over() -> None:
    fields = json.loads(record().to_text()) | {"mood": "calm"}
    assert Record.read(json.dumps(fields), "a.png") == record()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("no JSON", r"^the record in a\.png is damaged; find a picture as it was written$"),
        ("{}", r"^the record in a\.png is damaged"),
        (record(version=2).to_text(), r"^the record in a\.png is of version 2; install a newer simulacra$"),
    ],
)
def test_records_that_cannot_be_read_are_refused(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Record.read(text, "a.png")


def test_a_record_with_settings_that_were_changed_is_refused() -> None:
    with pytest.raises(UserError, match=r"^figure 'portrait' is unknown"):
        record().model_copy(update={"figure": "portrait"}).drawing()
    with pytest.raises(UserError, match=r"^psi is 'much'"):
        record(settings={"psi": "much"}).drawing()


def test_what_differs_here_is_said() -> None:
    maker = Maker(network(PLAIN))
    assert record().differences(maker) == []
    older = record(packages={**record().packages, "torch": "1.0", "gone": "3"}, device="cuda NVIDIA H100")
    first, second = older.differences(maker)
    assert first.startswith("it was made with torch 1.0, and this is torch 2")
    assert second == "it was made on cuda NVIDIA H100, and this is cpu"


def test_the_digest_in_bands_is_that_of_the_picture() -> None:
    pixels = np.random.default_rng(3).integers(0, 256, (11, 7, 3), dtype=np.uint8)
    banded = Digest(11, 7, 3)
    for band in np.split(pixels, [2, 2, 9]):
        banded.update(band)
    assert str(banded) == pixel_digest(pixels)

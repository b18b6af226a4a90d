from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from simulacra.errors import UserError
from simulacra.measures.of_sets.embedding import features_of
from simulacra.measures.of_sets.named import open_features
from simulacra.sets import PictureSet


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
def test_a_set_is_read_in_its_order_as_opaque_rgb(mode: str, tmp_path: Path) -> None:
    stream = np.random.default_rng(3)
    expected = []
    for index in range(70):  # more than are read at once
        picture = Image.fromarray(stream.integers(0, 256, (8, 8, 4), dtype=np.uint8)).convert(mode)
        picture.save(tmp_path / f"{index:02d}.png")
        white = Image.new("RGBA", picture.size, "white")
        expected.append(np.asarray(Image.alpha_composite(white, picture.convert("RGBA")).convert("RGB")))
    features = open_features("pixels:8")
    found = features_of(PictureSet(tmp_path), features)
    pixels = torch.from_numpy(np.stack(expected)).permute(0, 3, 1, 2).float() / 255
    # Pillow rounds where a picture meets white its own way: at most one level.
    torch.testing.assert_close(found, features.extract(pixels), atol=1.01 / 255, rtol=0)


def test_no_more_pictures_than_there_are(tmp_path: Path) -> None:
    Image.new("RGB", (8, 8)).save(tmp_path / "one.png")
    with pytest.raises(UserError, match=r"2 pictures of .* are asked for; it has 1"):
        features_of(PictureSet(tmp_path), open_features("pixels:8"), 2)

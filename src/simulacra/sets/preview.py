"""A contact sheet of a set: what a person looks at before training for an hour on it."""

from pathlib import Path

import numpy as np
from PIL import Image

from simulacra.errors import UserError, unknown
from simulacra.images.names import printable
from simulacra.images.pixels import Pixels
from simulacra.images.strip import contact_sheet
from simulacra.seeds import derive_seed
from simulacra.sets.picture_set import PictureSet

FORMATS = {".png": "PNG", ".webp": "WEBP"}


def write_preview(
    pictures: PictureSet,
    path: Path,
    *,
    count: int = 64,
    columns: int = 16,
    tile: int = 96,
    seed: int = 0,
    by: str | None = None,
) -> int:
    """Write a contact sheet as a new PNG or lossless WebP; transparency is placed on grey.

    Args:
        pictures: the set.
        path: of the new file.
        count: pictures to show, drawn at random without repeats.
        columns: in a row.
        tile: pixels a side of each, 16 or more.
        seed: of the choice.
        by: an attribute: a row for each of its values, named beneath; None shows the pictures in their order.

    Returns:
        How many pictures are shown.

    Raises:
        UserError: the path is taken, of no such format or cannot be written; a number is out of range; the set has no
            such attribute.
    """
    for option, value, least in (("count", count, 1), ("columns", columns, 1), ("tile", tile, 16)):
        if value < least:
            raise UserError(f"--{option} is {value}; it must be {least} or more")
    if path.suffix.lower() not in FORMATS:
        raise UserError(f"{printable(path)} must end in .png or .webp")
    if path.exists():
        raise UserError(f"{printable(path)} exists, and nothing is overwritten; name another file, or delete it first")
    if by is not None and by not in pictures.attributes:
        raise unknown("attribute", by, pictures.attributes)

    order = np.argsort(np.random.PCG64(derive_seed(seed, "preview")).random_raw(len(pictures)), kind="stable")
    if by is None:
        chosen = np.sort(order[:count]).tolist()
        labels = [str(index) for index in chosen]
    else:
        attribute = pictures.attributes[by]
        columns = max(1, min(columns, count // len(attribute.values)))
        rows = [order[attribute.codes[order] == code][:columns] for code in range(len(attribute.values))]
        full = [row for row in rows if len(row) == columns]  # a shorter row would shift those below it
        if not full:
            raise UserError(f"no value of {by} has {columns} pictures; say fewer --columns")
        chosen = np.concatenate(full).tolist()
        labels = [attribute.values[attribute.codes[index]] for index in chosen]
    sheet = contact_sheet(
        [_shown(picture) for picture in pictures.pictures(chosen)], labels, columns=columns, tile_height=tile
    )
    try:
        Image.fromarray(sheet).save(path, FORMATS[path.suffix.lower()], lossless=True)
    except OSError as error:
        raise UserError(
            f"{printable(path)} cannot be written: {error.strerror or error}; name another place"
        ) from error
    return len(chosen)


def _shown(picture: np.ndarray) -> Pixels:
    """A picture (C, H, W) as pixels (H, W, 3)."""
    if len(picture) == 1:
        return np.repeat(picture[0][..., None], 3, axis=-1)
    pixels = np.ascontiguousarray(picture.transpose(1, 2, 0))
    if len(picture) == 3:
        return pixels
    ground = Image.new("RGBA", pixels.shape[1::-1], (128, 128, 128, 255))
    return np.asarray(Image.alpha_composite(ground, Image.fromarray(pixels)).convert("RGB"))

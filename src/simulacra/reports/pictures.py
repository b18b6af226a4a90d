"""The stored pictures of a run as a report uses them: checked to be there, sampled evenly, made smaller."""

from io import BytesIO

from PIL import Image

from simulacra.copying.result import CopyResult
from simulacra.errors import UserError


def check_frames(result: CopyResult) -> None:
    """Refuse a run whose frames are not all in the store, before anything is written.

    Raises:
        UserError: a frame's file is missing.
    """
    for chain in result.chains:
        for frame in chain.frames:
            if not result.frame_file(frame).is_file():
                raise UserError(
                    f"frame {frame.index} of chain {chain.name} is missing from the store (blob {frame.blob[:12]}…); "
                    f"type: simulacra runs verify {result.folder.name}"
                )


def evenly(count: int, limit: int) -> list[int]:
    """Up to `limit` (2 or more) of the indices 0..count-1, evenly spaced, the first and the last always among them."""
    if count <= limit:
        return list(range(count))
    return [round(place * (count - 1) / (limit - 1)) for place in range(limit)]


def fitted(picture: Image.Image, width: int, height: int) -> Image.Image:
    """The picture shrunk with Lanczos to lie within a box, its aspect kept; a smaller picture stays as it is."""
    scale = min(width / picture.width, height / picture.height)
    if scale >= 1:
        return picture
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.LANCZOS)


def webp_bytes(picture: Image.Image, quality: int) -> bytes:
    """Lossy WebP by the fastest method: a page has hundreds of pictures, and the better methods save little."""
    buffer = BytesIO()
    picture.save(buffer, "WEBP", quality=quality, method=0)
    return buffer.getvalue()

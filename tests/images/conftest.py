from collections.abc import Callable
from pathlib import Path
from struct import pack
from zlib import compress, crc32

import numpy as np
import pytest

PNG = Callable[..., Path]


@pytest.fixture
def png(tmp_path: Path) -> PNG:
    """Writes a PNG byte by byte, so that the header may say what no encoder would."""

    def write(
        samples: np.ndarray,
        *,
        size: tuple[int, int] | None = None,
        chunks: tuple[tuple[bytes, bytes], ...] = (),
        name: str = "made.png",
    ) -> Path:
        """`samples`: (H, W) or (H, W, 3), uint8 or uint16; `size`: width and height the header claims instead."""
        height, width = samples.shape[:2]
        claimed = size or (width, height)
        colour = 2 if samples.ndim == 3 else 0
        big_endian = samples.astype(samples.dtype.newbyteorder(">"))
        header = pack(">IIBBBBB", *claimed, 8 * samples.itemsize, colour, 0, 0, 0)
        lines = b"".join(b"\0" + line.tobytes() for line in big_endian)  # 0: no prediction
        path = tmp_path / name
        path.write_bytes(
            b"\x89PNG\r\n\x1a\n"
            + b"".join(
                pack(">I", len(data)) + kind + data + pack(">I", crc32(kind + data))
                for kind, data in ((b"IHDR", header), *chunks, (b"IDAT", compress(lines)), (b"IEND", b""))
            )
        )
        return path

    return write

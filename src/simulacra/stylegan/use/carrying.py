"""Records inside files: iTXt in PNG, XMP in WebP and MP4, a comment in GIF, so that a picture carries its own making.

Sources: ISO/IEC 15948, clause 11.3.4.5; RFC 9649, section 2.7.1.5; Adobe, "XMP Specification Part 3", sections 1.1.3 to
1.2.6; CompuServe, "Graphics Interchange Format, version 89a", section 24; ISO/IEC 14496-12, section 4.2.
"""

import re
from collections.abc import Iterator
from html import escape, unescape
from io import SEEK_END
from pathlib import Path
from struct import pack, unpack
from typing import BinaryIO

from simulacra.errors import UserError
from simulacra.images.names import printable
from simulacra.stylegan.use import png

_XMP_BOX = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_SPACE = "urn:simulacra:picture"
_ATTRIBUTE = re.compile(rb'simulacra:record="([^"]*)"')
_XMP_BIT = 0x04  # of the flags in VP8X


def packet(text: str) -> bytes:
    """An XMP packet that holds a text."""
    return (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        f'<rdf:Description rdf:about="" xmlns:simulacra="{_SPACE}" simulacra:record="{escape(text)}"/>'
        "</rdf:RDF></x:xmpmeta>"
    ).encode()


def embed(path: Path, text: str) -> None:
    """Put a text into a finished film: animated WebP, GIF or MP4.

    Args:
        path: of the film as `images.animation` or `reports.video` wrote it; changed in place.
        text: ASCII.
    """
    with path.open("r+b") as file:
        start = file.read(30)
        if start[8:12] == b"WEBP":
            file.seek(0, SEEK_END)
            file.write(_webp_chunk(b"XMP ", packet(text)))
            length = file.tell() - 8
            file.seek(4)
            file.write(pack("<I", length))
            file.seek(20)
            file.write(bytes([start[20] | _XMP_BIT]))
        elif start.startswith(b"GIF89a"):
            # Behind the header, which in these films has no palette: viewers read comments before the first frame.
            file.seek(13)
            rest = file.read()
            file.seek(13)
            file.write(b"!\xfe" + _sub_blocks(text.encode("ascii")) + rest)
        else:
            payload = _XMP_BOX + packet(text)
            file.seek(0, SEEK_END)
            file.write(pack(">I", 8 + len(payload)) + b"uuid" + payload)


def text_of(path: Path) -> str | None:
    """The text that a file carries; None for one that carries none, or is of another format.

    Raises:
        UserError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            start = file.read(12)
            file.seek(0)
            if start.startswith(png.SIGNATURE):
                return png.text_in(_png_chunks(file))
            if start[:4] == b"RIFF" and start[8:] == b"WEBP":
                return _first(payload for kind, payload in _webp_chunks(file) if kind == b"XMP ")
            if start.startswith(b"GIF89a"):
                return _gif_comment(file)
            if start[4:8] == b"ftyp":
                return _first(payload[16:] for payload in _uuid_boxes(file) if payload.startswith(_XMP_BOX))
    except OSError as error:
        raise UserError(f"{printable(path)} cannot be read: {error.strerror}; check the name") from error
    return None


def _first(packets: Iterator[bytes]) -> str | None:
    for each in packets:
        if match := _ATTRIBUTE.search(each):
            return unescape(match[1].decode("utf-8", "replace"))
    return None


def _png_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Kind and payload of every chunk, those of pixels empty."""
    file.seek(len(png.SIGNATURE))
    while len(head := file.read(8)) == 8:
        length, kind = unpack(">I4s", head)
        wanted = kind == b"iTXt"
        payload = file.read(length) if wanted else b""
        file.seek(4 if wanted else length + 4, 1)  # 4: the checksum
        yield kind, payload


def _webp_chunks(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    file.seek(12)
    while len(head := file.read(8)) == 8:
        kind, length = unpack("<4sI", head)
        wanted = kind == b"XMP "
        payload = file.read(length) if wanted else b""
        file.seek(length % 2 if wanted else length + length % 2, 1)
        yield kind, payload


def _uuid_boxes(file: BinaryIO) -> Iterator[bytes]:
    while len(head := file.read(8)) == 8:
        length, kind = unpack(">I4s", head)
        behind = 8
        if length == 1:  # a box above 4 GB
            length, behind = unpack(">Q", file.read(8).rjust(8, b"\0"))[0], 16
        if length < behind:  # 0: to the end of the file
            return
        if kind == b"uuid":
            yield file.read(length - behind)
        else:
            file.seek(length - behind, 1)


def _gif_comment(file: BinaryIO) -> str | None:
    file.seek(13)
    if file.read(2) != b"!\xfe":
        return None
    blocks = []
    while size := file.read(1)[:1]:
        if size == b"\0":
            break
        blocks.append(file.read(size[0]))
    return b"".join(blocks).decode("utf-8", "replace")


def _sub_blocks(data: bytes) -> bytes:
    parts = [data[first : first + 255] for first in range(0, len(data), 255)]
    return b"".join(bytes([len(part)]) + part for part in parts) + b"\0"


def _webp_chunk(kind: bytes, payload: bytes) -> bytes:
    return kind + pack("<I", len(payload)) + payload + b"\0" * (len(payload) % 2)

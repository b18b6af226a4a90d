import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulacra.images.names import printable


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (b"holiday.png", "holiday.png"),
        ("Füße/日本.png".encode(), "Füße/日本.png"),
        (b"caf\xe9.png", r"caf\xe9.png"),
        (b"two\nlines.png", r"two\nlines.png"),
        (b"red\x1b[31m.png", r"red\x1b[31m.png"),
    ],
)
def test_shows_a_name_as_a_person_can_read_it(name: bytes, text: str) -> None:
    assert printable(Path(os.fsdecode(name))) == text


@given(st.binary(min_size=1, max_size=40))
def test_any_bytes_become_one_line_that_can_be_printed(name: bytes) -> None:
    text = printable(os.fsdecode(name))
    text.encode("utf-8")
    assert text.isprintable()

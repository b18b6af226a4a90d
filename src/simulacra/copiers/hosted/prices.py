"""Tokens and what they cost: the usage of a call, and a dated table of example prices."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from simulacra.errors import UserError

PRICES = "SIMULACRA_PRICES"
"""Environment variable: a file of the form of `prices.toml`, whose models are added to the table or replace its own."""

_TABLE = Path(__file__).with_name("prices.toml")
_SNAPSHOT = re.compile(r"-\d{4}-?\d{2}-?\d{2}$|-preview$")
"""What a model's name ends with when it names one snapshot of a listed model."""

_LETTERS_PER_TOKEN = 3
"""Of English prose there are about four; fewer make the expected cost larger, which suits a budget."""

_KINDS = ("text_in", "image_in", "text_out", "image_out")


@dataclass(frozen=True)
class Usage:
    """Tokens of one call or of several."""

    text_in: int = 0
    image_in: int = 0
    text_out: int = 0
    image_out: int = 0

    @property
    def total(self) -> int:
        """All tokens together."""
        return self.text_in + self.image_in + self.text_out + self.image_out

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(*(getattr(self, kind) + getattr(other, kind) for kind in _KINDS))


@dataclass(frozen=True)
class Price:
    """What a model's tokens cost, and how many of them a copy usually takes."""

    name: str
    text_in: float  # US dollars for a million tokens, as the three below
    image_in: float
    text_out: float
    image_out: float
    made: Mapping[str, int]  # tokens of the picture that comes back, by quality or resolution
    sent: Mapping[str, int]  # tokens of one picture that goes out, by input fidelity
    source: str
    read: date
    note: str = ""

    def cost(self, usage: Usage) -> float:
        """US dollars for these tokens."""
        millionths: float = sum(getattr(usage, kind) * getattr(self, kind) for kind in _KINDS)
        return millionths / 1e6

    def expected(self, made: str, sent: str, *, letters: int, pictures: int = 1, area: float = 1.0) -> Usage:
        """The tokens one copy is expected to take; a kind the table does not list counts as its dearest one.

        Args:
            made: quality or resolution of the picture that comes back.
            sent: input fidelity.
            letters: of all prompts that go out.
            pictures: that go out.
            area: of the picture that comes back, over that of the size the table counts.
        """
        return Usage(
            text_in=-(-letters // _LETTERS_PER_TOKEN),
            image_in=pictures * self.sent.get(sent, max(self.sent.values())),
            image_out=round(self.made.get(made, max(self.made.values())) * area),
        )


def price(model: str) -> Price | None:
    """The price of a model or of a dated or preview snapshot of it; None when the table lists neither.

    Raises:
        UserError: the file of prices that the environment names cannot be read, or has another form.
    """
    table = prices()
    return table.get(model) or table.get(_SNAPSHOT.sub("", model))


def prices() -> Mapping[str, Price]:
    """Every price by model: the table that comes along, with the user's own on top.

    Raises:
        UserError: see `price`.
    """
    own = os.environ.get(PRICES, "").strip()
    return {**_read(_TABLE), **(_read(Path(own)) if own else {})}


@cache
def _read(path: Path) -> Mapping[str, Price]:
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        entries = [_entry(row, data["read"]) for row in data["model"]]
    except OSError as error:
        raise UserError(f"{PRICES} names {path}, which cannot be read: {error.strerror}; name another file") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{PRICES} names {path}, which is no table of prices ({error}); give it the form of {_TABLE.name}"
        ) from error
    return {entry.name: entry for entry in entries}


def _entry(row: Mapping[str, Any], read: date) -> Price:
    entry = Price(**row, read=read)
    numbers = [*(getattr(entry, kind) for kind in _KINDS), *entry.made.values(), *entry.sent.values()]
    if not entry.made or not entry.sent or any(not number >= 0 for number in numbers):
        raise ValueError(f"model {entry.name} lacks a count of tokens, or has a number below 0")
    return entry

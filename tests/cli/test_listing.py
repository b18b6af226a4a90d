"""Listings of what is registered, with a plugin that does not load among it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from simulacra.cli.listing import print_listing
from simulacra.errors import UserError, unknown


class Shelf(Mapping[str, int]):
    """One and two, and between them something that does not load."""

    def __getitem__(self, name: str) -> int:
        if name == "between":
            raise UserError("number 'between' does not load from nowhere")
        if name not in self:
            raise unknown("number", name, self)
        return {"one": 1, "two": 2}[name]

    def __contains__(self, name: object) -> bool:
        return name in ("one", "between", "two")

    def __iter__(self) -> Iterator[str]:
        return iter(("one", "between", "two"))

    def __len__(self) -> int:
        return 3


def listing(name: str | None = None, *, json_: bool = False) -> None:
    def facts(name: str, value: int) -> dict[str, Any]:
        return {"state": "ready", "half": value / 2, "sign": "±"}

    print_listing(Shelf(), name, facts, lambda each: print(each["name"], each["half"]), json_=json_)


def test_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    listing()
    assert capsys.readouterr().out == (
        "one 0.5\n\nbetween  broken\n  number 'between' does not load from nowhere\n\ntwo 1.0\n\n"
    )


def test_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    listing(json_=True)
    printed = capsys.readouterr().out
    assert "±" in printed
    assert json.loads(printed) == [
        {"name": "one", "state": "ready", "half": 0.5, "sign": "±"},
        {"name": "between", "state": "broken", "reason": "number 'between' does not load from nowhere"},
        {"name": "two", "state": "ready", "half": 1.0, "sign": "±"},
    ]


def test_one_alone(capsys: pytest.CaptureFixture[str]) -> None:
    listing("two")
    assert capsys.readouterr().out == "two 1.0\n\n"
    with pytest.raises(UserError, match="number 'tow' is unknown"):
        listing("tow")

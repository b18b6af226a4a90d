from importlib.metadata import Distribution, EntryPoint
from types import SimpleNamespace
from typing import cast

import pytest

import simulacra.registry as subject
from simulacra.errors import UserError
from simulacra.registry import RESTRICT, Registry


def entry(name: str, value: str, distribution: str) -> EntryPoint:
    made = EntryPoint(name, value, "simulacra.copiers")
    dist = cast(Distribution, SimpleNamespace(name=distribution, version="1.0"))
    return made._for(dist)  # type: ignore[attr-defined, no-any-return]


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    entries = [entry("mirror", "json:loads", "third-party"), entry("broken", "no_such_module:Copier", "third-party")]
    monkeypatch.setattr(subject, "entry_points", lambda group: entries)
    return entries


@pytest.mark.usefixtures("plugins")
def test_a_broken_plugin_breaks_neither_the_listing_nor_the_others() -> None:
    table = Registry("copier")
    assert list(table) == ["broken", "mirror"]
    assert table["mirror"] is __import__("json").loads
    with pytest.raises(UserError, match=r"^copier 'broken' does not load from no_such_module:Copier"):
        table["broken"]


@pytest.mark.usefixtures("plugins")
def test_an_unknown_name_is_a_sentence() -> None:
    with pytest.raises(UserError, match="did you mean mirror"):
        Registry("copier")["miror"]


@pytest.mark.usefixtures("plugins")
def test_a_plugin_names_its_distribution() -> None:
    assert Registry("copier").source("mirror") == "third-party 1.0"


def test_two_distributions_cannot_claim_one_name(plugins: list[EntryPoint]) -> None:
    plugins.append(entry("mirror", "json:dumps", "rival"))
    with pytest.raises(UserError, match="comes from both third-party and rival"):
        Registry("copier")


def test_loading_can_be_restricted(plugins: list[EntryPoint], monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.append(entry("identity", "json:dumps", "simulacra"))
    monkeypatch.setenv(RESTRICT, "other")
    assert list(Registry("copier")) == ["identity"]

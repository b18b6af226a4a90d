"""Features are plugins: built-in ones and those of other packages through one table."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest
from torch import Tensor

import simulacra.registry as registry
from simulacra.errors import UserError
from simulacra.measures.of_sets import classes, memorisation, named, vendi, wasserstein
from simulacra.measures.of_sets.contract import SetMeasure
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.named import names, open_features

DOCS = Path(__file__).parents[3] / "docs"


class Brightness(Features):
    """A plugin's features: one number."""

    name, length, resizing = "brightness", 1, "none"

    def embed(self, picture: Tensor) -> Tensor:
        return picture.mean()[None]


class Named:
    """What no features are."""


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [EntryPoint(each.__name__.lower(), f"{__name__}:{each.__name__}", "") for each in (Brightness, Named)]
    monkeypatch.setattr(EntryPoint, "load", lambda entry: globals()[entry.attr])
    monkeypatch.setattr(registry, "entry_points", lambda group: entries if group == "simulacra.features" else [])
    monkeypatch.setattr(named, "registry", registry.Registry)


@pytest.mark.usefixtures("plugins")
def test_features_of_another_package_open_by_name() -> None:
    assert names() == ("brightness", "named")
    assert isinstance(open_features("brightness"), Brightness)
    with pytest.raises(UserError, match=r"^the features brightness take no argument, and '3' was given; type: bright"):
        open_features("brightness:3")
    with pytest.raises(UserError, match=r"^features 'brightnes' is unknown; did you mean brightness"):
        open_features("brightnes")
    with pytest.raises(UserError, match=r"^the features named of .* are no subclass of Features; mend that package$"):
        open_features("named")


def test_built_in_features_are_in_the_table_and_in_the_docs() -> None:
    assert {"digits", "dinov2", "effnetlite0", "inception", "pixels"} <= set(names())
    page = (DOCS / "set-measures.md").read_text(encoding="utf-8")
    for name in names():
        assert f"`{name}" in page, name


@pytest.mark.parametrize(
    "measure", [vendi.MEASURE, memorisation.AUTHENTICITY, memorisation.NEAREST, classes.CLASSES, wasserstein.MEASURE]
)
def test_the_docs_define_measures_in_their_own_words(measure: SetMeasure) -> None:
    page = (DOCS / "set-measures.md").read_text(encoding="utf-8")
    assert f"| `{measure.stem}` | {measure.better} | {measure.definition} |" in page

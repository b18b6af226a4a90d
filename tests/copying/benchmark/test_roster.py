import pytest

from simulacra.copiers import make
from simulacra.copying.benchmark.roster import controls, roster, slowest_first
from simulacra.errors import UserError


def test_takes_those_that_run_here_and_says_why_not_the_others() -> None:
    found = roster(())
    names = {copier.family for copier in found.copiers}
    assert {"jpeg", "webp", "moving-grid", "resize"} <= names
    assert "identity" not in names
    assert "jpeg" not in found.skipped
    assert "needs a file" in found.skipped["onnx"]


def test_nothing_that_costs_money_runs_unasked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "a-key")
    found = roster(())
    assert "openai" not in {copier.family for copier in found.copiers}
    assert "ask for it with --copier" in found.skipped["openai"]


def test_takes_each_named_copier_once() -> None:
    found = roster(("jpeg:quality=60", "webp", "jpeg:quality=60"))
    assert [copier.specification for copier in found.copiers] == ["jpeg:quality=60", "webp"]
    assert found.skipped == {}


@pytest.mark.parametrize(("name", "message"), [("jpg", "did you mean jpeg"), ("onnx", "needs a file")])
def test_refuses_a_named_copier_that_cannot_run(name: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        roster((name,))


def test_networks_go_before_codecs() -> None:
    order = slowest_first([make("jpeg"), make("ffdnet"), make("webp"), make("realesrgan")])
    assert [copier.family for copier in order] == ["ffdnet", "realesrgan", "jpeg", "webp"]


def test_beside_a_copier_goes_what_its_excess_is_counted_from() -> None:
    assert controls(make("jpeg")) == ("identity",)
    assert [make(each).specification for each in controls(make("realesrgan"))] == ["identity", "resize:factor=4"]

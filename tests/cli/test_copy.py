"""What `simulacra copy` does when weights are missing: a sentence for programs, a question for people."""

import sys

import pytest
from rich.prompt import Confirm

import simulacra.cli.weights as weights_command
from simulacra.cli.copy import _with_weights
from simulacra.errors import MissingWeights

MISSING = MissingWeights("the weights ffdnet-colour are not on this machine", ("ffdnet-colour",))


class Model:
    """Lacks its weights until somebody gets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, answer: bool, terminal: bool) -> None:
        self.asked: list[str] = []
        self.got: list[str] = []
        monkeypatch.setattr(sys.stdin, "isatty", lambda: terminal, raising=False)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
        monkeypatch.setattr(Confirm, "ask", lambda question, **_: self.asked.append(question) or answer)
        monkeypatch.setattr(weights_command, "get", lambda *names: self.got.extend(names))

    def run(self) -> str:
        if not self.got:
            raise MISSING
        return "copied"


def test_a_person_is_asked_and_the_run_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(monkeypatch, answer=True, terminal=True)
    assert _with_weights(model.run, ask=True) == "copied"  # type: ignore[arg-type, comparison-overlap]
    assert model.got == ["ffdnet-colour"]
    assert "a download of 3 MB?" in model.asked[0]


def test_a_no_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    model = Model(monkeypatch, answer=False, terminal=True)
    with pytest.raises(MissingWeights):
        _with_weights(model.run, ask=True)  # type: ignore[arg-type]
    assert model.got == []


@pytest.mark.parametrize(("terminal", "ask"), [(False, True), (True, False)])
def test_a_program_is_never_asked(monkeypatch: pytest.MonkeyPatch, terminal: bool, ask: bool) -> None:
    model = Model(monkeypatch, answer=True, terminal=terminal)
    with pytest.raises(MissingWeights):
        _with_weights(model.run, ask=ask)  # type: ignore[arg-type]
    assert model.asked == []

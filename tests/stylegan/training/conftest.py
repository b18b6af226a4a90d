"""What the tests of training share: a set of noise, and calibrations that take no time."""

from pathlib import Path

import pytest

from simulacra.stylegan.training import train as module
from simulacra.stylegan.training.calibration import Machine

from .toys import write_set


@pytest.fixture(scope="session")
def noise_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_set(tmp_path_factory.mktemp("set") / "noise.zip")


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is measured before a training; `test_calibration.py` does."""
    monkeypatch.setattr(module, "calibrate", lambda *given: (Machine(1, "contiguous", "fp32"), 1.0))
    monkeypatch.setattr(module, "memory_needed", lambda *given: 1)

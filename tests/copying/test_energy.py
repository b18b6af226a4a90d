"""Counters of energy: what they gained, when they start again, and when there are none."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from simulacra.copying.energy import EnergyMeter, Nvml, Rapl, _processors, energy_meter


class Scripted:
    """A counter that shows these values, one a reading; None means that it cannot be read."""

    def __init__(self, name: str, shown: list[float | None], range_joules: float | None = None) -> None:
        self.name, self.range_joules, self._shown = name, range_joules, shown

    def joules(self) -> float:
        value = self._shown.pop(0)
        if value is None:
            raise OSError(13, "Permission denied")
        return value


def test_what_was_gained_is_added_up_over_counters_and_readings() -> None:
    meter = EnergyMeter([Scripted("a", [10, 12, 15]), Scripted("b", [100, 100.5, 101])])
    meter.read()
    energy = meter.energy(copies=7)
    assert energy.joules == {"a": 5, "b": 1}
    assert (energy.total_joules, energy.copies, energy.reason) == (6, 7, "")


def test_a_counter_that_starts_again_loses_nothing() -> None:
    assert EnergyMeter([Scripted("a", [95, 5], range_joules=100)]).energy(1).joules == {"a": 10}


def test_a_counter_that_falls_silent_is_left_out_whole_and_told() -> None:
    meter = EnergyMeter([Scripted("a", [0, 5, None]), Scripted("b", [0, 1, 2])])
    meter.read()
    energy = meter.energy(1)
    assert energy.joules == {"b": 2}
    assert energy.reason == "the energy counter of a fell silent (Permission denied)"


def test_a_counter_nobody_may_read_is_told() -> None:
    energy = EnergyMeter([Scripted("a", [None])]).energy(1)
    assert (energy.total_joules, energy.joules) == (None, {})
    assert energy.reason == "the energy counter of a cannot be read (Permission denied)"


def powercap(folder: Path, name: str, microjoules: str) -> Path:
    made = folder / name
    made.mkdir()
    (made / "name").write_text("package-0\n")
    (made / "energy_uj").write_text(microjoules)
    (made / "max_energy_range_uj").write_text("262143328850\n")
    return made


def test_packages_are_counted_and_their_parts_are_not(tmp_path: Path) -> None:
    package = powercap(tmp_path, "intel-rapl:0", "1500000\n")
    powercap(tmp_path, "intel-rapl:0:1", "700000\n")
    (tmp_path / "intel-rapl:1").mkdir()  # without files
    (counter,) = _processors(tmp_path)
    assert isinstance(counter, Rapl)
    assert (counter.name, counter.joules(), counter.range_joules) == ("processor package-0", 1.5, 262143.32885)
    meter = EnergyMeter([counter])
    (package / "energy_uj").write_text("3500000\n")
    assert meter.energy(1).joules == {"processor package-0": 2.0}


def test_a_gpu_is_counted_by_its_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    millijoules = [1000, 1000, 4000]
    nvml = SimpleNamespace(
        NVMLError=RuntimeError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: 1,
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetName=lambda device: "Tesla",
        nvmlDeviceGetTotalEnergyConsumption=lambda device: millijoules.pop(0),
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    assert EnergyMeter([Nvml(0)]).energy(1).joules == {"GPU 0 Tesla": 3.0}


def test_without_a_driver_the_reason_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.setattr("simulacra.copying.energy._POWERCAP", tmp_path)
    assert energy_meter().energy(3).reason == "this machine shows no energy counter (RAPL or NVML)"

"""Generators small enough to run whole loops in a moment, and a way to make them known for one test."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Self

import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.generators import Budget, Generator, Pool
from simulacra.generators.gaussian import Gaussian
from simulacra.generators.streams import normals, uniforms
from simulacra.registry import registry
from simulacra.seeds import derive_seed


def known(monkeypatch: pytest.MonkeyPatch, kind: type[Generator]) -> None:
    """Register a family until the test ends."""
    entry = SimpleNamespace(load=lambda: kind, value="toys", dist=None)
    monkeypatch.setitem(registry("generator")._entries, kind.family, entry)


class Blurs(Generator):
    """Learns the mean picture of each class; its samples are that with noise, on the grid of 8 bits."""

    family = "blurs"
    summary = origin = bias_meaning = "A toy."

    def __init__(self, parameters: object = None) -> None:
        super().__init__(None)
        self._state: dict[str, Tensor] = {}

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        assert pool.labels is not None
        rows = [pool.samples[pool.labels == label].mean(0) for label in range(10)]
        return self.with_state({"means": torch.stack(rows).nan_to_num(0.0)})

    def sample(self, count: int, *, seed: int, bias: float = 1.0, first: int = 0) -> Tensor:
        self.check_sampling(count, bias, first)
        means = self._state["means"]
        labels = self.labels(count, seed=seed, first=first)
        drawn = normals(count, means[0].numel(), seed=seed, first=first).reshape(-1, *means[0].shape)
        noisy = means[labels] + 0.4 * bias * drawn
        return ((noisy.clamp(-1, 1) + 1) * 127.5).round().float() / 127.5 - 1

    def labels(self, count: int, *, seed: int, first: int = 0) -> Tensor:
        return (10 * uniforms(count, 1, seed=seed, first=first, purpose=1)[:, 0]).long()

    def state(self) -> Mapping[str, Tensor]:
        return self._state

    def with_state(self, state: Mapping[str, Tensor]) -> Self:
        made = self.untrained()
        made._state = dict(state)
        return made


class Fragile(Gaussian):
    """Learns nonsense in the generation that its next fit is said to be."""

    family = "fragile"
    left = 2

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        made = super().fit(pool, seed=seed)
        type(self).left -= 1
        return made if type(self).left else made.with_state({**made.state(), "mean": torch.full((2,), torch.nan)})


class Patient(Gaussian):
    """Learns in ten steps, each noted in its folder; dies in the middle of one when it is told to."""

    family = "patient"
    steps = 0
    dies_at: int | None = None

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        assert resume is not None
        note = resume / "steps"
        noted = [float(line) for line in note.read_text().split()] if note.exists() else []
        for step in range(len(noted), 10):
            type(self).steps += 1
            if type(self).steps == type(self).dies_at:
                raise KeyboardInterrupt
            noted.append(float(normals(1, 1, seed=derive_seed(seed, "patient", step))))
            note.write_text("\n".join(map(repr, noted)))
        made = super().fit(pool, seed=seed)
        return made.with_state({**made.state(), "mean": made.state()["mean"] + 0.01 * sum(noted)})


class Refusing(Gaussian):
    """Cannot learn from anything."""

    family = "refusing"

    def fit(self, pool: Pool, *, seed: int, budget: Budget | None = None, resume: Path | None = None) -> Self:
        raise UserError("generator refusing learns nothing; give another")


@pytest.fixture
def toys(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All of them known, and as they begin."""
    Fragile.left, Patient.steps, Patient.dies_at = 2, 0, None
    for kind in (Blurs, Fragile, Patient, Refusing):
        known(monkeypatch, kind)
    yield

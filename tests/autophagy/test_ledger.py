import csv
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch

from simulacra import UserError
from simulacra.autophagy.data import open_data
from simulacra.autophagy.drawing import pool_digest
from simulacra.autophagy.experiment import Asked, run_experiment
from simulacra.autophagy.ledger import Ledger, write_pool
from simulacra.autophagy.loop import Loop
from simulacra.autophagy.loop import run as run_in_memory
from simulacra.autophagy.presets import PRESETS, preset
from simulacra.autophagy.threads import as_in_a_worker
from simulacra.autophagy.truths import open_truth
from simulacra.generators import load_generator, open_generator
from simulacra.runs import Run
from simulacra.sets import PictureSet

from .toys import toys

__all__ = ["toys"]


def made(name: str, generations: int = 4, **asked: Any) -> Run:
    common: dict[str, Any] = {"samples": 30, "reference": 24, "seeds": 1, "restarts": 0}
    return run_experiment(Asked((name,), generations=generations, **{**common, **asked}), processes=1).arms[0]


@pytest.mark.parametrize("name", PRESETS)
def test_any_pool_is_rebuilt_bit_for_bit(name: str) -> None:
    ledger = Ledger.of(made(name, 6))
    data = open_data("normal:dimensions=2", reference=24)
    with as_in_a_worker():
        loop = Loop(preset(name).policy(30), open_generator("gaussian"), data.real, 0, data.judges)
        for generation in run_in_memory(loop, 6):
            assert pool_digest(ledger.rebuild(generation.number)) == pool_digest(generation.pool)


@pytest.mark.parametrize("name", PRESETS)
def test_every_sample_is_what_its_row_says(name: str) -> None:
    run = made(name, 6)
    ledger, data = Ledger.of(run), open_data("normal:dimensions=2", reference=24)
    pool, rows = ledger.rebuild(4), list(ledger.table(4))
    assert [row.row for row in rows] == list(range(len(pool)))
    assert [row.weight for row in rows] == pytest.approx(pool.shares().tolist())
    for row, sample in zip(rows, pool.samples, strict=True):
        if row.source == "model":
            assert row.seed is not None and row.bias == 1.0
            model = load_generator(run.store.blobs.path(ledger.fits[row.generation - 1].blob))
            assert torch.equal(model.sample(1, seed=row.seed, first=row.place)[0], sample)
        elif row.source == "real":
            assert torch.equal(data.real.take(1, row.place)[0], sample)
        else:
            assert row.seed is not None and row.bias is None and row.generation == 0
            assert torch.equal(open_truth("normal").generator().sample(1, seed=row.seed, first=row.place)[0], sample)
    if name == "self-correcting":
        assert 0 < Counter(row.source for row in rows)["correction"] < 30
    filters = {"curated": "best of 2", "verified": "verified"}
    assert {row.filter for row in rows if row.generation} == {filters.get(name, "")}


def test_a_pool_of_numbers_is_written_as_a_table(tmp_path: Path) -> None:
    ledger = Ledger.of(made("accumulate"))
    pool = ledger.rebuild(3)
    write_pool(pool, list(ledger.table(3)), tmp_path / "pool.csv")
    with (tmp_path / "pool.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [[float(row["x0"]), float(row["x1"])] for row in rows] == pool.samples.tolist()
    assert [row["source"] for row in rows] == ["real"] * 30 + ["model"] * 60
    assert [int(row["generation"]) for row in rows[30:]] == [1] * 30 + [2] * 30
    with pytest.raises(UserError, match="exists, and nothing is overwritten"):
        write_pool(pool, [], tmp_path / "pool.csv")
    with pytest.raises(UserError, match="would be a set of pictures, and this pool holds numbers"):
        write_pool(pool, [], tmp_path / "pool.zip")


@pytest.mark.usefixtures("toys")
def test_a_pool_of_pictures_is_written_as_a_set(tmp_path: Path) -> None:
    run = made("augmentation", data="digits", generator="blurs", features="pixels:8", generations=2)
    ledger = Ledger.of(run)
    pool = ledger.rebuild(2)
    write_pool(pool, list(ledger.table(2)), tmp_path / "pool.zip")
    written = PictureSet(tmp_path / "pool.zip")
    pixels = torch.from_numpy(written.pictures(range(60)))
    assert torch.equal(pixels.float() / 127.5 - 1, pool.samples)
    assert pool.labels is not None and written.labels is not None
    assert written.labels.argmax(1).tolist() == pool.labels.tolist()


def test_what_is_missing_or_wrong_is_one_sentence() -> None:
    run = made("fresh-data")
    ledger = Ledger.of(run)
    for generation in (0, 5):
        with pytest.raises(UserError, match=f"--generation is {generation}; run {run.id} has made 1 to 4"):
            ledger.rebuild(generation)
    path = run.store.blobs.path(ledger.fits[1].blob)
    path.chmod(0o644)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + b"!")
    with pytest.raises(UserError, match="has changed since it was stored"):
        ledger.rebuild(3)
    path.unlink()
    with pytest.raises(UserError, match=r"the model of generation 2 of run .* is missing .* make it again with: simul"):
        ledger.rebuild(3)
    assert len(ledger.rebuild(2)) == 30  # which came from the first model
    experiment = next(each for each in run.store.runs() if each.spec["experiment"] == "autophagy")
    with pytest.raises(UserError, match="is no single loop; name one arm"):
        Ledger.of(experiment)


def test_other_bits_than_those_it_learnt_from_are_refused() -> None:
    ledger = Ledger.of(made("fresh-data"))
    first = ledger.fits[0]
    wrong = Ledger(ledger.run, ledger.plan, [type(first)(**{**vars(first), "pool": "0" * 64}), *ledger.fits[1:]])
    with pytest.raises(UserError, match="comes out with other bits here"):
        wrong.rebuild(1)

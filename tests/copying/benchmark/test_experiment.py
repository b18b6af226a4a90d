"""The benchmark in real worker processes: one, two, killed, continued, always the same table."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.copying import read_run
from simulacra.copying.benchmark import Benchmark, benchmark
from simulacra.errors import UserError
from simulacra.reports.standings import comparison_json
from simulacra.runs.crew import MOST_WORKERS, THREADS, usual_workers

COPIERS = ("jpeg", "moving-grid", "resize:factor=3")
OPTIONS = ["--times", "3", "--size", "48", "--channel", "colour"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two noisy pictures, which every codec changes."""
    folder = tmp_path_factory.mktemp("pictures")
    draw = np.random.default_rng(3)
    for name in ("coarse", "fine"):
        level = draw.integers(0, 256, (12, 12, 3) if name == "coarse" else (48, 48, 3), dtype=np.uint8)
        Image.fromarray(level).resize((48, 48), Image.Resampling.BICUBIC).save(folder / f"{name}.png")
    return sorted(folder.iterdir())


def run(pictures: list[Path], store: Path, workers: int, copiers: tuple[str, ...] = COPIERS) -> Benchmark:
    return benchmark(copiers, pictures, times=3, size=48, channels=["colour"], workers=workers, store=store)


@pytest.fixture(scope="module")
def undisturbed(pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Benchmark:
    return run(pictures, tmp_path_factory.mktemp("undisturbed") / "store", 1)


def test_every_copier_meets_every_picture(undisturbed: Benchmark, pictures: list[Path]) -> None:
    assert set(undisturbed.results) == set(COPIERS)
    for group in undisturbed.results.values():
        assert [result.chains[0].picture for result in group] == ["coarse", "fine"]
        assert all(result.manifest["machine"]["threads"] == 1 for result in group)
    (column,) = undisturbed.comparison.columns
    assert len(column.standings) == 3
    assert undisturbed.pictures is None
    picture_words = [word for picture in pictures for word in ("--picture", str(picture))]
    words = [word for copier in COPIERS for word in ("--copier", copier)]
    assert undisturbed.command.split() == ["simulacra", "benchmark", *words, *picture_words, *OPTIONS]


def test_the_table_does_not_depend_on_the_number_of_workers(
    undisturbed: Benchmark, pictures: list[Path], tmp_path: Path
) -> None:
    two = run(pictures, tmp_path / "store", 2)
    assert comparison_json(two.comparison) == comparison_json(undisturbed.comparison)
    for copier, group in two.results.items():
        for one, other in zip(group, undisturbed.results[copier], strict=True):
            assert [chain.frames for chain in one.chains] != []
            assert [[frame.pixels for frame in chain.frames] for chain in one.chains] == [
                [frame.pixels for frame in chain.frames] for chain in other.chains
            ]


def test_a_worker_that_is_killed_is_a_sentence_and_the_same_call_goes_on(
    undisturbed: Benchmark, pictures: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    with monkeypatch.context() as patch:
        patch.setenv("SIMULACRA_FAULT", "kill@line-synced:24")
        with pytest.raises(UserError, match=r"worker that copied .* was ended by signal 9.*same command continues"):
            run(pictures, store, 1)
    complete = [name.parent.name for name in store.glob("*/done.json")]
    assert 0 < len(complete) < 6
    before = {name: (store / name / "journal.jsonl").read_bytes() for name in complete}
    again = run(pictures, store, 1)
    assert comparison_json(again.comparison) == comparison_json(undisturbed.comparison)
    # What was complete is read, not written.
    assert before == {name: (store / name / "journal.jsonl").read_bytes() for name in complete}


def ended_by(kind: str, pictures: list[Path], folder: Path) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, which sends itself a signal when its first run is complete."""
    words = [word for copier in COPIERS for word in ("--copier", copier)]
    words += [word for picture in pictures for word in ("--picture", str(picture))]
    script, store = folder / "ended.py", str(folder / "store")
    script.write_text(
        "import os, signal\n"
        "from simulacra.copying.benchmark import crew, experiment\n"
        "from simulacra.runs.crew import Done\n"
        "def work(tasks, workers):\n"
        "    for number, event in crew.work(tasks, workers):\n"
        "        yield number, event\n"
        "        if isinstance(event, Done):\n"
        f"            os.kill(os.getpid(), signal.{kind})\n"
        "experiment.work = work\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # a shell may have it ignored
        "from simulacra.cli import main\n"
        f"if __name__ == '__main__': main({['benchmark', *words, *OPTIONS, '--workers', '1', '--store', store]!r})\n"
    )
    return subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, cwd=folder)


def test_a_benchmark_that_is_killed_takes_its_workers_along_and_can_be_continued(
    undisturbed: Benchmark, pictures: list[Path], tmp_path: Path
) -> None:
    assert ended_by("SIGKILL", pictures, tmp_path).returncode == -signal.SIGKILL
    again = run(pictures, tmp_path / "store", 1)  # the dead one's workers hold no run any more
    assert comparison_json(again.comparison) == comparison_json(undisturbed.comparison)


def test_an_interruption_is_one_sentence(pictures: list[Path], tmp_path: Path) -> None:
    interrupted = ended_by("SIGINT", pictures, tmp_path)
    assert interrupted.returncode == 130
    assert interrupted.stderr.splitlines()[-1] == "simulacra: interrupted; the same command continues where it stopped"
    assert "Traceback" not in interrupted.stderr


@pytest.mark.parametrize(("threads", "workers"), [("", 3), ("1", 3), ("2", 1), ("9", 1), ("many", 3)])
def test_one_worker_a_core_or_fewer_with_more_threads(
    threads: str, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1, 2}, raising=False)
    monkeypatch.setenv(THREADS, threads)
    assert usual_workers() == workers


def test_no_more_workers_than_memory_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(64)), raising=False)
    monkeypatch.delenv(THREADS, raising=False)
    assert usual_workers() == MOST_WORKERS


def test_one_copier_more_takes_the_others_from_the_store(
    undisturbed: Benchmark, pictures: list[Path], tmp_path: Path
) -> None:
    store = undisturbed.results["jpeg"][0].blobs.parent
    before = {folder.name for folder in store.glob("*-*")}
    more = run(pictures, store, 1, (*COPIERS, "webp"))
    new = {folder.name for folder in store.glob("*-*")} - before
    assert len(new) == 2
    assert all(read_run(name, store).chains[0].copier == "webp" for name in new)
    assert len(more.comparison.contenders) == 4


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"times": 0}, "--times is 0"),
        ({"workers": 0}, "--workers is 0"),
        ({"pictures": ()}, "--size is 300; the pictures of the benchmark have 256 px"),
        ({"copiers": ["jpg"]}, "did you mean jpeg"),
        ({"pictures": ["no-such.png"]}, "no-such.png"),
        ({"channels": ["colours"]}, "did you mean colour"),
    ],
)
def test_bad_input_writes_nothing(
    own_store: Path, pictures: list[Path], change: dict[str, object], message: str
) -> None:
    with pytest.raises(UserError, match=message):
        benchmark(**{"copiers": ["jpeg"], "pictures": pictures, "size": 300, **change})  # type: ignore[arg-type]
    assert not own_store.exists()

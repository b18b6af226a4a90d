import json
import shlex
import signal
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulacra.cli import main
from simulacra.cli.progress import Lines
from simulacra.stylegan.networks import load_generator
from simulacra.stylegan.training.presets import PRESETS

SMALL = [
    "--kimg",
    0.016,
    "--batch",
    4,
    "--set",
    "channel-max=4",
    "--set",
    "z_dim=6",
    "--set",
    "w_dim=6",
    "--threads",
    1,
]
SMALL += ["--precision", "fp32", "--layout", "contiguous"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Eight pictures of 8x8 px in two folders."""
    rng = np.random.default_rng(20261122)
    for number in range(8):
        path = tmp_path / "in" / ("cat" if number % 2 else "dog") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (8, 8, 3), dtype=np.uint8)).save(path)
    run("data", "build", tmp_path / "in", tmp_path / "set.zip", "--label", "folder")
    return tmp_path / "set.zip"


def run(*words: object) -> None:
    main([str(word) for word in words])


def refused(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    with pytest.raises(SystemExit) as left:
        run(*words)
    printed = capsys.readouterr()
    assert left.value.code == 2 and printed.err.count("simulacra: ") == 1
    return printed.err


def test_train_tells_what_it_will_take_and_names_what_it_made(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    run("stylegan", "train", data, *SMALL, "--tensorboard")
    printed = capsys.readouterr()
    assert "s for 1,000 pictures" in printed.err and "computing with 1 thread, contiguous, fp32" in printed.err
    folder, network, samples = map(Path, printed.out.splitlines())
    assert folder.is_dir() and network.parent.parent == folder and samples.suffix == ".png" and samples.is_file()
    description = load_generator(network).description
    assert (description.resolution, description.labels, description.channel_max, description.w_dim) == (8, 0, 4, 6)
    assert (folder / "tensorboard").is_dir()

    run("stylegan", "train", data, *SMALL, "--json")
    printed = capsys.readouterr()
    assert "was already complete" in printed.err
    summary = json.loads(printed.out)
    assert (summary["folder"], summary["network"], summary["samples"]) == (str(folder), str(network), str(samples))
    assert summary["kimg"] == 0.016 and summary["findings"] == [] and len(summary["digest"]) == 64

    spec = json.loads((folder / "spec.json").read_text())
    assert spec["command"].startswith(f"simulacra stylegan train {data} --preset tiny --set channel_max=4")
    assert "--set 'batch={\"4\": 4}'" in spec["command"]


def test_the_command_of_a_run_makes_the_same_run(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("stylegan", "train", data, *SMALL, "--seed", 3, "--mirror", "--augment", "flip", "--labels", "--json")
    folder = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["folder"])
    command = shlex.split(json.loads((folder / "spec.json").read_text())["command"])[1:]
    run(*command, "--json")
    assert json.loads(capsys.readouterr().out)["folder"] == str(folder)


def test_interrupted_it_leaves_with_130_and_goes_on(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as context:
        context.setattr(Lines, "advance", lambda self, done: signal.raise_signal(signal.SIGINT))
        with pytest.raises(SystemExit) as left:
            run("stylegan", "train", data, *SMALL)
    assert left.value.code == 130
    assert capsys.readouterr().err.endswith("interrupted; the same command continues where it stopped\n")
    run("stylegan", "train", data, *SMALL)
    assert "going on with 1 thread, contiguous, fp32, as at the first start" in capsys.readouterr().err


def test_labels_are_learnt_when_asked_for(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("stylegan", "train", data, *SMALL, "--labels", "--json")
    network = json.loads(capsys.readouterr().out.splitlines()[-1])["network"]
    assert load_generator(Path(network)).description.labels == 2


def test_tensorboard_afterwards(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("stylegan", "train", data, *SMALL, "--json")
    name = json.loads(capsys.readouterr().out.splitlines()[-1])["run"]
    run("stylegan", "tensorboard", name, "--out", tmp_path / "tb")
    assert capsys.readouterr().out == f"{tmp_path / 'tb'}\n"
    assert [path.name for path in (tmp_path / "tb").iterdir()] == ["events.out.tfevents.simulacra"]
    picture = next((tmp_path / "in").rglob("*.png"))
    run("copy", picture, "--copier", "identity", "--times", 1)
    copied = Path(capsys.readouterr().out.splitlines()[-1]).parent.name
    assert f"run {copied} is no training" in refused(capsys, "stylegan", "tensorboard", copied)


def test_presets_are_listed_a_line_each(capsys: pytest.CaptureFixture[str]) -> None:
    run("stylegan", "presets")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(PRESETS)
    run("stylegan", "presets", "--json")
    listed = json.loads(capsys.readouterr().out)
    assert listed["paper"]["kimg"] == 25000 and listed["tiny"]["description"]["channel_max"] == 80


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--preset", "tinny"], "preset 'tinny' is unknown; did you mean tiny"),
        (["--set", "channel-max"], "--set is 'channel-max'; it must be FIELD=VALUE, such as channel-max=128"),
        (["--set", "chanel-max=3"], "field 'chanel-max' is unknown; did you mean channel-max"),
        (["--kimg", "-1"], "kimg is -1.0: input should be greater than 0"),
        (["--augment", "shfit"], "augmentation 'shfit' is unknown; did you mean shift"),
        (["--tick-kimg", "0"], "--tick-kimg is 0.0; it must be above 0"),
        (["--threads", "0"], "--threads is 0; it must be 1 or more"),
        (["--set", "resolution=16"], "holds pictures of 8 px and the networks make 16 px"),
        (["--set", "loss=wgan-gp"], "r1-gamma is 0.5; wgan-gp has a gradient penalty of its own: give 0"),
    ],
)
def test_bad_input_is_one_sentence(
    words: list[str], sentence: str, data: Path, own_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert sentence in refused(capsys, "stylegan", "train", data, *words)
    assert not own_store.exists()


def test_sets_that_no_network_fits(tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("data", "build", tmp_path / "in", tmp_path / "odd.zip", "--resolution", 6)
    error = refused(capsys, "stylegan", "train", tmp_path / "odd.zip")
    assert "holds pictures of 6 px, and networks make 8, 16, 32, 64, 128, 256, 512, 1024 px; build the set" in error
    run("data", "build", tmp_path / "in" / "cat", tmp_path / "plain.zip")
    assert "has no labels; leave --labels out" in refused(
        capsys, "stylegan", "train", tmp_path / "plain.zip", "--labels"
    )


def test_two_processes_end_in_the_same_bits_whenever_they_are_asked(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    summaries = []
    for store in ("one", "other"):
        run("stylegan", "train", data, *SMALL, "--processes", 2, "--store", tmp_path / store, "--json")
        summaries.append(json.loads(capsys.readouterr().out.splitlines()[-1]))
    assert summaries[0]["digest"] == summaries[1]["digest"] and summaries[0]["kimg"] == 0.016
    description = load_generator(Path(summaries[0]["network"])).description
    assert (description.resolution, description.channel_max) == (8, 4)


def test_no_more_processes_than_cores(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--processes is 1000; it must be 1 to " in refused(
        capsys, "stylegan", "train", data, *SMALL, "--processes", 1000
    )

"""`simulacra stylegan` with small random networks."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from simulacra.cli import main
from simulacra.stylegan import shipped
from simulacra.stylegan.networks import (
    Description,
    build_discriminator,
    build_generator,
    digest,
    load_generator,
    save_network,
)

SIZES = {"resolution": 16, "channel_base": 64, "channel_max": 6, "z_dim": 8, "mapping_depth": 2}


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and no network in the package."""
    monkeypatch.setattr(shipped, "_FILE", tmp_path / "none.safetensors")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def network(here: Path) -> Path:
    generator = build_generator(Description.stylegan1(labels=3, progressive=False, **SIZES), 1)
    with torch.no_grad():
        generator.w_avg.normal_(generator=torch.Generator().manual_seed(1))
    path = here / "network.safetensors"
    save_network(generator, path, {"set": "a set", "generation": 2})
    return path


def call(*arguments: object) -> int:
    try:
        main(["stylegan", *map(str, arguments)])
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def told(capsys: pytest.CaptureFixture[str], *arguments: object) -> Any:
    """What a command prints for machines."""
    assert call(*arguments, "--json") == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize(
    ("command", "figure", "options"),
    [
        ("generate", "grid", ["--seeds", "0-4,7", "--columns", 3, "--psi", 0.7, "--cutoff", 2]),
        ("generate", "picture", ["--seeds", "7", "--class", 1, "--noise", "none"]),
        ("truncation", "truncation", ["--seeds", "1", "--psi=-1,0,1"]),
        ("mix", "mixing", ["--sources", "1", "--targets", "2,3", "--layers", "coarse,3-4"]),
        ("blend", "blend", ["--sources", "1,2", "--layers", "coarse,middle", "--weights", "1,2", "--alone"]),
        ("noise", "noise-realisations", ["--seeds", "1", "--shown", 1, "--draws", 2]),
        ("noise-layers", "noise-by-layer", ["--seeds", "1", "--split", 8]),
        ("noise-layers", "noise-by-layer", ["--seeds", "1", "--layers", "0-1,2,coarse"]),
    ],
)
def test_a_figure_is_written_and_made_again(
    command: str, figure: str, options: list[object], network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written = told(capsys, command, network, *options, "--out", "a.png")
    assert written["out"] == "a.png"
    record = written["record"]
    assert (record["figure"], record["generation"]) == (figure, 2)
    assert record["network"] == digest(load_generator(network))
    assert told(capsys, "replay", "a.png") == {"out": "a.replay.png", "equal": True, "told": []}
    with Image.open("a.png") as one, Image.open("a.replay.png") as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("ending", ["webp", "gif", "mp4"])
def test_a_film_is_written_and_made_again(ending: str, network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = f"film.{ending}"
    options = ["--seeds", "1,2", "--between", 2, "--space", "z", "--no-loop", "--noise", 3, "--psi", 0.5]
    record = told(capsys, "interpolate", network, *options, "--out", out)["record"]
    assert record["settings"] == {
        "noise": 3, "label": None, "seeds": [1, 2], "between": 2, "space": "z", "loop": False, "milliseconds": 40,
        "psi": 0.5, "cutoff": None,
    }  # fmt: skip
    assert call("replay", out, network, "--out", f"again.{ending}") == 0
    assert capsys.readouterr().out == f"again.{ending}: equal bit for bit\n"


def test_every_picture_of_a_batch_names_its_seed_noise_and_class(
    network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = told(capsys, "generate", network, "--seeds", "8-10,9", "--separate", "--format", "webp")["out"]
    assert paths == ["generated/seed08.webp", "generated/seed09.webp", "generated/seed10.webp"]
    settings = told(capsys, "generate", network, "--seeds", "9", "--out", "nine.webp")["record"]["settings"]
    assert (settings["seed"], settings["noise"]) == (9, 9) and settings["label"] in {0, 1, 2}
    assert Path("generated/seed09.webp").read_bytes() == Path("nine.webp").read_bytes()


def test_without_a_file_the_shipped_network_is_used(
    network: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("generate") == 2
    assert "no trained network comes with this installation; name the file of one" in capsys.readouterr().err
    monkeypatch.setattr(shipped, "_FILE", network)
    assert call("generate", "--seeds", "0-3") == 0
    assert capsys.readouterr().out == "generated.png\n" and Path("generated.png").is_file()


def test_a_replay_that_differs_leaves_with_1(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("generate", network, "--seeds", "1", "--out", "a.webp") == 0
    with Image.open("a.webp") as image:
        changed = image.info["xmp"].replace(b"&quot;pixels&quot;:&quot;p1:", b"&quot;pixels&quot;:&quot;p1:f")
        image.copy().save("a.webp", lossless=True, exact=True, xmp=changed)
    capsys.readouterr()
    assert call("replay", "a.webp") == 1
    sentence, verdict = capsys.readouterr().out.splitlines()
    assert sentence == "the pixels of a.webp were changed since it was made"
    assert verdict == "a.replay.webp: not equal bit for bit"


def test_the_stress_test_prints_the_paper_s_table(
    network: Path, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "reals").mkdir()
    for index in range(5):
        Image.new("RGB", (16, 16), (50 * index, 20, 200)).save(here / "reals" / f"{index}.png")
    options = ["--latents", "1-2", "--count", 4, "--features", "pixels:2", "--seed", 3]
    rows = told(capsys, "stress", "reals", network, *options)["rows"]
    assert [row["latents"] for row in rows] == [1, 2] and {row["name"] for row in rows} == {"frechet_pixels2_5_4"}
    assert call("stress", "reals", network, *options) == 0
    printed = capsys.readouterr().out.splitlines()
    assert printed == ["frechet_pixels2_5_4", *(f"{row['latents']} latents  {row['distance']:.2f}" for row in rows)]


def test_info_says_what_a_network_is(network: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = told(capsys, "info", network)
    assert facts["network"] == digest(load_generator(network)) and facts["notes"]["set"] == "a set"
    assert facts["groups"] == {"coarse": "0-3", "middle": "4-5"} and facts["description"]["labels"] == 3
    assert facts["parameters"] == sum(each.numel() for each in load_generator(network).parameters())
    assert call("info", network) == 0
    lines = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert ["network", facts["network"]] in lines and ["resolution", "16"] in lines and ["set", "a set"] in lines


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["generate", "--seeds", "9-1"], "'9-1' in the seeds '9-1' is no seed"),
        (["generate", "--psi", "nan"], "psi is nan: "),
        (["truncation", "--psi", "1,inf"], "'inf' in --psi '1,inf' is no finite number"),
        (["generate", "--cutoff", "7"], "--cutoff is 7; it must be 0 to 6, the layers of this network"),
        (["generate", "--class", "3", "--separate"], "class 3 was asked for; this network has the classes 0 to 2"),
        (["generate", "--noise", "pink"], "--noise is 'pink'; it must be seed, stored, none, or a whole number"),
        (["generate", "--out", "a.tiff"], "a.tiff must end in .png or .webp"),
        (["generate", "--device", "abacus"], "--device abacus cannot be used here"),
        (["mix", "--layers", "tiny"], "layers are 'tiny'; this network has coarse (0-3), middle (4-5)"),
        (["interpolate", "--out", "a.png"], "a.png is to be a film; it must end in .webp or .gif or .mp4"),
        (["interpolate", "--seeds", "4"], "seeds is (4,): "),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], sentence: str, network: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command, *options = arguments
    assert call(command, network, *options) == 2
    error = capsys.readouterr().err
    assert error.startswith("simulacra: ") and sentence in error and error.count("\n") == 1
    assert not list(Path().glob("*.png"))


def test_files_that_are_no_generators_are_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    save_network(build_discriminator(Description.stylegan1(progressive=False, **SIZES), 1), here / "d.safetensors")
    (here / "cut.safetensors").write_bytes((here / "d.safetensors").read_bytes()[:999])
    Image.new("RGB", (4, 4)).save("photo.png")
    for arguments, sentence in (
        (["generate", "d.safetensors"], "d.safetensors holds a discriminator; give the file of a generator"),
        (["info", "cut.safetensors"], "cut.safetensors is cut off, damaged or of another format"),
        (["generate", "gone.safetensors"], "gone.safetensors cannot be read (No such file or directory)"),
        (["replay", "photo.png"], "photo.png carries no record of its making"),
        (["replay", "gone.png"], "gone.png cannot be read: No such file or directory; check the name"),
    ):
        assert call(*arguments) == 2
        assert sentence in capsys.readouterr().err

import json
import os
import re
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from simulacra import weights
from simulacra.errors import MissingWeights, UserError
from simulacra.weights import State, table, take, taken, taken_digest, taken_state, tensors

ALEXNET = {"features.0.weight": (64, 3, 11, 11), "features.10.weight": (256, 256, 3, 3)}


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The keys by which AlexNet is known, in the shape torchvision publishes; in half precision."""
    path = tmp_path / "alexnet.pth"
    torch.save({key: torch.ones(shape, dtype=torch.float16) for key, shape in ALEXNET.items()}, path)
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What is looked at of a folder of transformers before it is taken."""
    path = tmp_path / "clip"
    path.mkdir()
    (path / "config.json").write_text('{"model_type": "clip"}')
    (path / "preprocessor_config.json").write_text("{}")
    (path / "README.md").write_text("not taken")
    (path / "modeling_clip.py").write_text("raise SystemExit('imported')")
    save_file({"x": torch.ones(2)}, path / "model.safetensors")
    return path


def test_a_file_is_taken_with_its_digest(file: Path, cache: Path) -> None:
    assert taken_state("alexnet") is State.MISSING
    digests = take("alexnet", str(file))
    assert digests == taken_digest("alexnet") == {"alexnet.pth": _sha256(file)}
    assert taken_state("alexnet") is taken_state("alexnet", thorough=True) is State.READY
    file.unlink()  # the cache has a copy of its own
    assert taken("alexnet").read_bytes()
    assert not [path for path in cache.iterdir() if path.name not in {"own", "lock"}]


def test_a_folder_is_taken_without_what_is_no_data(folder: Path) -> None:
    take("clip", str(folder))
    held = {path.name for path in taken("clip").iterdir()}
    assert held == {"config.json", "preprocessor_config.json", "model.safetensors", "taken.json"}


@pytest.mark.parametrize("suffixes", [("bin",), ("safetensors",), ("bin", "safetensors")])
def test_of_a_folder_of_named_files_each_is_taken_in_its_best_form(tmp_path: Path, suffixes: tuple[str, ...]) -> None:
    given = _dreamsim(tmp_path / "models", suffixes)
    digests = take("dreamsim", str(given))
    best = f"adapter_model.{suffixes[-1]}"
    assert set(digests) == {"dino_vitbase16_pretrain.pth", "adapter_config.json", best}
    assert {path.name for path in taken("dreamsim").iterdir()} == {*digests, "taken.json"}
    assert digests[best] == _sha256(given / "dino_vitb16_single_lora" / best)


@pytest.mark.parametrize(
    ("gone", "sentence"),
    [
        (
            "checkpoints/dino_vitbase16_pretrain.pth",
            "holds no checkpoints/dino_vitbase16_pretrain.pth; give the folder",
        ),
        (
            "dino_vitb16_single_lora/adapter_model.bin",
            "holds no dino_vitb16_single_lora/adapter_model.safetensors or dino_vitb16_single_lora/adapter_model.bin; ",
        ),
    ],
)
def test_a_folder_without_one_of_the_files_is_refused(tmp_path: Path, gone: str, sentence: str) -> None:
    given = _dreamsim(tmp_path / "models", ("bin",))
    (given / gone).unlink()
    with pytest.raises(UserError, match=re.escape(sentence)):
        take("dreamsim", str(given))
    assert taken_state("dreamsim") is State.MISSING


def test_another_network_among_the_named_files_is_refused(tmp_path: Path) -> None:
    given = _dreamsim(tmp_path / "models", ("bin",))
    small = {"patch_embed.proj.weight": torch.ones(384, 3, 16, 16), "pos_embed": torch.ones(1, 197, 384)}
    torch.save(small, given / "checkpoints" / "dino_vitbase16_pretrain.pth")
    with pytest.raises(UserError, match=r"is not dreamsim: it has no patch_embed\.proj\.weight of 768x3x16x16 numbers"):
        take("dreamsim", str(given))


def test_taking_again_replaces(file: Path, tmp_path: Path) -> None:
    take("alexnet", str(file))
    other = tmp_path / "other.safetensors"
    save_file({key: torch.zeros(shape) for key, shape in ALEXNET.items()}, other)
    take("alexnet", str(other))
    assert taken("alexnet").name == "other.safetensors"
    assert set(taken_digest("alexnet")) == {"other.safetensors"}


def test_what_changes_on_the_disk_is_found(file: Path) -> None:
    take("alexnet", str(file))
    path = taken("alexnet")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(1, 1))
    assert taken_state("alexnet") is State.READY  # by its size
    assert taken_state("alexnet", thorough=True) is State.DAMAGED
    with pytest.raises(MissingWeights, match=r"damaged; with alexnet-owt-7be5be79\.pth at hand, type: simulacra"):
        taken_digest("alexnet")
    path.write_bytes(b"")
    with pytest.raises(MissingWeights, match="damaged"):
        taken("alexnet")
    path.unlink()
    assert taken_state("alexnet") is State.DAMAGED


def test_a_refused_file_leaves_what_was_there(file: Path, tmp_path: Path) -> None:
    take("alexnet", str(file))
    before = taken_digest("alexnet")
    with pytest.raises(UserError):
        take("alexnet", str(tmp_path / "nothing.pth"))
    assert taken_digest("alexnet") == before


def test_a_file_that_would_run_code_is_refused_and_runs_none(tmp_path: Path) -> None:
    trace = tmp_path / "ran"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return os.mkdir, (str(trace),)

    torch.save({"features.0.weight": Trap()}, tmp_path / "trap.pth")
    with pytest.raises(UserError, match="does not read as weights"):
        take("alexnet", str(tmp_path / "trap.pth"))
    assert not trace.exists()


def test_another_network_is_not_taken_for_this_one(tmp_path: Path) -> None:
    path = tmp_path / "vgg.pth"
    torch.save({"features.0.weight": torch.ones(64, 3, 3, 3)}, path)
    sentence = r"is not alexnet: it has no features\.0\.weight of 64x3x11x11 numbers; give the file as its authors"
    with pytest.raises(UserError, match=sentence):
        take("alexnet", str(path))


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda folder: (folder / "config.json").unlink(), "holds no config.json; give a folder as transformers saves"),
        (lambda folder: (folder / "model.safetensors").unlink(), "holds no file of safetensors"),
        (lambda folder: (folder / "config.json").write_text("{"), "names no model_type; the folder may be damaged"),
        (lambda folder: (folder / "config.json").write_text('{"model_type": "vit"}'), "is of type vit, not clip"),
    ],
)
def test_another_folder_is_refused(folder: Path, spoil: object, sentence: str) -> None:
    spoil(folder)  # type: ignore[operator]
    with pytest.raises(UserError, match=sentence):
        take("clip", str(folder))
    assert taken_state("clip") is State.MISSING


@pytest.mark.parametrize(
    ("content", "name", "sentence"),
    [
        ({"weights": {"nested": torch.ones(1)}}, "a.pth", "holds no plain table of tensors"),
        (None, "a.pth", "does not read as weights"),
        (None, "a.safetensors", "does not read as weights"),
        ({}, "a.ckpt", r"is none of \.safetensors, \.pth, \.pt"),
    ],
)
def test_what_is_no_table_of_tensors_is_told(tmp_path: Path, content: object, name: str, sentence: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"rubbish")
    if content is not None:
        torch.save(content, path)
    with pytest.raises(UserError, match=sentence) as caught:
        tensors(path)
    assert "\n" not in str(caught.value)


def test_tensors_are_in_single_precision(file: Path) -> None:
    assert {value.dtype for value in tensors(file).values()} == {torch.float32}


def test_the_hub_is_asked_only_where_it_may_be(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    asked = []

    def snapshot_download(name: str, allow_patterns: list[str]) -> str:
        asked.append((name, allow_patterns))
        return str(folder)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(UserError, match=r"owner/name holds no config\.json"):
        take("clip", "owner/name")
    assert asked == []
    take("clip", "owner/name", hub=True)
    assert asked == [("owner/name", ["*.json", "*.safetensors"])]
    with pytest.raises(UserError, match="alexnet is one file, which --hub does not fetch"):
        take("alexnet", "owner/name", hub=True)
    with pytest.raises(UserError, match="dreamsim is a folder of several sources, which --hub does not fetch"):
        take("dreamsim", "owner/name", hub=True)


def test_a_hub_that_refuses_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    def snapshot_download(name: str, allow_patterns: list[str]) -> str:
        raise OSError("401 Client Error\n\nRepository Not Found")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    with pytest.raises(UserError, match="the hub does not give owner/name: 401 Client Error; check its name"):
        take("clip", "owner/name", hub=True)


def test_the_two_ways_of_getting_weights_know_each_other() -> None:
    with pytest.raises(UserError, match="alexnet are in no package; type: simulacra weights add alexnet PATH"):
        weights.network("alexnet")
    with pytest.raises(UserError, match="stlpips-alex come out of a package; type: simulacra weights get stlpips-alex"):
        weights.own("stlpips-alex")
    with pytest.raises(UserError, match="weights 'vgg61' is unknown; did you mean vgg16"):
        weights.own("vgg61")


@pytest.mark.parametrize("name", list(table.owns()))
def test_every_entry_says_what_a_reader_needs(name: str) -> None:
    entry = table.own(name)
    for said in (entry.what, entry.example, entry.licence, entry.trained_on, entry.source):
        assert said.strip()
    assert bool(entry.tensors) != bool(entry.model_type)
    assert name not in table.networks()


def test_the_record_is_plain(file: Path, cache: Path) -> None:
    take("alexnet", str(file))
    record = json.loads((cache / "own" / "alexnet" / "taken.json").read_text())
    assert record == {"alexnet.pth": {"sha256": _sha256(file), "size": file.stat().st_size}}


def _dreamsim(folder: Path, suffixes: tuple[str, ...]) -> Path:
    """What is looked at of a DreamSim before it is taken."""
    for part in ("checkpoints", "dino_vitb16_single_lora"):
        (folder / part).mkdir(parents=True)
    known = {"patch_embed.proj.weight": torch.ones(768, 3, 16, 16), "pos_embed": torch.ones(1, 197, 768)}
    torch.save(known, folder / "checkpoints" / "dino_vitbase16_pretrain.pth")
    (folder / "dino_vitb16_single_lora" / "adapter_config.json").write_text("{}")
    for suffix in suffixes:
        (folder / "dino_vitb16_single_lora" / f"adapter_model.{suffix}").write_text(suffix)
    return folder


def _sha256(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()

import json
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch import nn

from simulacra.errors import UserError
from simulacra.stylegan.networks import (
    Description,
    build_discriminator,
    build_generator,
    digest,
    load_discriminator,
    load_generator,
    save_network,
    use_operations,
)
from simulacra.stylegan.networks.files import read_notes

from .toys import FAMILIES, NAMES, TINY_1, TINY_2

families = pytest.mark.parametrize("description", FAMILIES, ids=NAMES)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    path = tmp_path / "generator.safetensors"
    save_network(build_generator(TINY_1, 1), path)
    return path


@families
def test_what_is_saved_comes_back_bit_for_bit(description: Description, tmp_path: Path) -> None:
    generator, discriminator = build_generator(description, 1), build_discriminator(description, 2)
    generator.track(torch.randn(4, 7))
    save_network(generator, tmp_path / "g.safetensors", {"images": 1000, "data": "faces"})
    save_network(discriminator, tmp_path / "d.safetensors")
    again, judge = (
        load_generator(tmp_path / "g.safetensors", description),
        load_discriminator(tmp_path / "d.safetensors"),
    )
    assert again.description == judge.description == description
    for one, other in ((generator, again), (discriminator, judge)):
        assert one.state_dict().keys() == other.state_dict().keys()
        assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in one.state_dict().items())
    assert read_notes(tmp_path / "g.safetensors") == {"images": 1000, "data": "faces"}
    assert read_notes(tmp_path / "d.safetensors") == {}


@families
def test_equal_networks_are_equal_files(description: Description, tmp_path: Path) -> None:
    for name in ("one", "other"):
        save_network(build_generator(description, 1), tmp_path / name, {"b": 1, "a": 2})
    assert (tmp_path / "one").read_bytes() == (tmp_path / "other").read_bytes()


def test_the_digest_is_of_the_network_alone(tmp_path: Path) -> None:
    generator = build_generator(TINY_1, 1)
    first = digest(generator)
    assert len(first) == 64
    assert digest(build_generator(TINY_1, 1)) == first
    use_operations(generator, "reference")
    generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    save_network(generator, tmp_path / "g", {"images": 5})
    assert digest(generator) == digest(load_generator(tmp_path / "g")) == first


@pytest.mark.parametrize("change", ["weight", "average", "noise", "description", "seed"])
def test_and_changes_with_everything_that_changes_pictures(change: str) -> None:
    description = TINY_1.changed(mixing=0.5) if change == "description" else TINY_1
    generator = build_generator(description, 2 if change == "seed" else 1)
    if change == "weight":
        nn.init.ones_(generator.get_parameter("synthesis.layers.5.strength"))
    elif change == "average":
        generator.track(torch.ones(1, 7))
    elif change == "noise":
        generator.synthesis.stored_noise[0].neg_()
    assert digest(generator) != digest(build_generator(TINY_1, 1))


def test_digests_of_both_kinds_and_families_differ() -> None:
    networks = [build(each, 1) for each in FAMILIES for build in (build_generator, build_discriminator)]
    assert len({digest(network) for network in networks}) == 4


def test_a_network_of_another_description_is_refused(saved: Path) -> None:
    with pytest.raises(UserError, match="holds another network: its family is stylegan1, where stylegan2 is needed"):
        load_generator(saved, TINY_2)
    with pytest.raises(UserError, match=r"its mixing is 0\.9, where 0\.5 is needed; give one that fits$"):
        load_generator(saved, TINY_1.changed(mixing=0.5))


def test_a_network_of_the_other_kind_is_refused(saved: Path) -> None:
    with pytest.raises(UserError, match="holds a generator; give the file of a discriminator"):
        load_discriminator(saved)


@pytest.mark.parametrize("kept", [0.0, 0.001, 0.1, 0.5, 0.999])
def test_a_file_cut_off_anywhere_is_refused(saved: Path, kept: float) -> None:
    data = saved.read_bytes()
    saved.write_bytes(data[: int(kept * len(data))])
    with pytest.raises(UserError, match=r"generator\.safetensors is cut off, damaged or of another format") as caught:
        load_generator(saved)
    assert "\n" not in str(caught.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    with pytest.raises(UserError, match=r"other cannot be read .No such file"):
        load_generator(path)
    path.write_text("not weights at all")
    with pytest.raises(UserError, match="is cut off, damaged or of another format"):
        load_generator(path)
    safetensors.torch.save_file(nn.Linear(2, 2).state_dict(), path)
    with pytest.raises(UserError, match="holds tensors, but no network of simulacra"):
        load_generator(path)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"version": 2}, "is of version 2; this simulacra reads up to 1: install a newer one"),
        ({"description": TINY_2.to_json()}, "holds weights that do not fit its own description"),
        ({"description": {"resolution": 17}}, "^resolution is 17; it must be"),
        ({"description": None}, "is cut off, damaged or of another format"),
    ],
)
def test_a_header_that_was_changed_is_refused(saved: Path, change: dict[str, object], match: str) -> None:
    with safetensors.safe_open(saved, "pt") as file:
        header = json.loads(file.metadata()["simulacra"])
    tensors = safetensors.torch.load_file(saved)
    safetensors.torch.save_file(tensors, saved, {"simulacra": json.dumps(header | change)})
    with pytest.raises(UserError, match=match):
        load_generator(saved)


def test_a_full_disk_leaves_what_was_there(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()

    def refuse(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    with pytest.raises(UserError, match=r"^the disk of .* is full"):
        save_network(build_generator(TINY_1, 2), saved)
    assert saved.read_bytes() == before
    assert list(saved.parent.iterdir()) == [saved]

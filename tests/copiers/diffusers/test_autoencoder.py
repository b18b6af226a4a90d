import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKL
from torch import Tensor, nn

from simulacra.copiers import make
from simulacra.copiers.conformance import CHECKS
from simulacra.errors import MissingExtra, MissingWeights, UserError

Folders = Callable[[str], Path]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("model", ["kl", "kl,latent=sample", "kl,tiling=true", "tiny", "vq"])
def test_conforms(check: Callable[[str], None], model: str, folder: Folders) -> None:
    name, *options = model.split(",")
    check(",".join([f"autoencoder:folder={folder(name)}", *options]))


@pytest.mark.parametrize(
    ("name", "factor", "padded"), [("kl", 2, (132, 98)), ("tiny", 4, (132, 100)), ("vq", 2, (132, 98))]
)
def test_a_copy_is_encoding_and_decoding(
    name: str, factor: int, padded: tuple[int, int], folder: Folders, crop: Tensor
) -> None:
    import diffusers

    kind = json.loads((folder(name) / "config.json").read_text())["_class_name"]
    network = getattr(diffusers, kind).from_pretrained(folder(name), local_files_only=True).eval()
    expanded = nn.functional.pad(crop, (0, padded[0] - 131, 0, padded[1] - 97), mode="reflect")
    with torch.no_grad():
        encoded = network.encode(expanded * 2 - 1)
        latents = encoded.latent_dist.mean if name == "kl" else encoded.latents
        expected = (network.decode(latents).sample + 1) / 2
    copies, receipts = make(f"autoencoder:folder={folder(name)}").copy(crop, [0], 1)
    # The same layers on the same numbers; only the order of an addition and a halving differs.
    assert torch.allclose(copies, expected.clamp(0, 1)[..., :97, :131], atol=1e-5)
    assert receipts[0].effective["factor"] == factor
    assert receipts[0].effective["padded_to"] == list(padded)


def test_sampling_draws_from_the_seed_around_the_mode(folder: Folders, crop: Tensor) -> None:
    mode = make(f"autoencoder:folder={folder('kl')}")
    sampled = make(f"autoencoder:folder={folder('kl')},latent=sample")
    assert sampled.seeded and not mode.seeded
    one, other = (sampled.copy(crop, [seed], 1)[0] for seed in (1, 2))
    assert not torch.equal(one, other)
    assert not torch.equal(one, mode.copy(crop, [1], 1)[0])


def test_tiling_is_switched_on(folder: Folders, crop: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(AutoencoderKL, "enable_tiling", lambda self, *_: calls.append(self))
    make(f"autoencoder:folder={folder('kl')}").copy(crop, [0], 1)
    assert not calls
    make(f"autoencoder:folder={folder('kl')},tiling=true").copy(crop, [0], 1)
    assert len(calls) == 1


def test_the_autoencoder_of_a_whole_pipeline_is_found(folder: Folders, crop: Tensor) -> None:
    whole = folder("text-to-image")
    copies, _ = make(f"autoencoder:folder={whole}").copy(crop, [0], 1)
    part = make(f"autoencoder:folder={whole / 'vae'}")
    assert torch.equal(copies, part.copy(crop, [0], 1)[0])
    assert set(part.weights()) == {"config.json", "diffusion_pytorch_model.safetensors"}


def test_identity_is_the_bytes_and_not_the_place(folder: Folders, tmp_path: Path) -> None:
    before = make(f"autoencoder:folder={folder('kl')}").operator()
    moved = shutil.copytree(folder("kl"), tmp_path / "elsewhere")
    assert make(f"autoencoder:folder={moved}").operator() == before
    _change(moved / "config.json", scaling_factor=0.5)
    assert make(f"autoencoder:folder={moved}").operator() != before


def test_what_runs_code_is_not_loaded(folder: Folders, tmp_path: Path) -> None:
    pickled = shutil.copytree(folder("kl"), tmp_path / "pickled")
    weights = pickled / "diffusion_pytorch_model.safetensors"
    trace = tmp_path / "executed"

    class Trap:
        def __reduce__(self) -> tuple[object, tuple[object, ...]]:
            return Path.touch, (trace,)

    weights.unlink()
    torch.save({"trap": Trap()}, pickled / "diffusion_pytorch_model.bin")
    with pytest.raises(UserError, match=r"does not load as an AutoencoderKL: .*safe_serialization$") as caught:
        make(f"autoencoder:folder={pickled}").copy(torch.zeros(1, 3, 16, 16), [0], 1)
    assert "\n" not in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ("vq,latent=sample", r"^latent is sample, and VQModel has no distribution to draw from; type latent=mode$"),
        ("vq,tiling=true", r"^tiling is true, and VQModel has none; type tiling=false"),
    ],
)
def test_what_a_network_does_not_have_is_refused(given: str, sentence: str, folder: Folders) -> None:
    name, option = given.split(",")
    with pytest.raises(UserError, match=sentence):
        make(f"autoencoder:folder={folder(name)},{option}").check()


def test_folders_of_something_else_are_told(folder: Folders, tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match=r"needs a model's folder; type autoencoder:folder=DIR$"):
        make("autoencoder").check()
    with pytest.raises(UserError, match=r"is no folder with a config.json; .*hub=true to download it$"):
        make("autoencoder:folder=owner/name").check()
    with pytest.raises(UserError, match=r"is no folder with a config.json; give one that diffusers saved$"):
        make(f"autoencoder:folder={tmp_path}").check()
    with pytest.raises(UserError, match=r"holds a UNet2DConditionModel; copier autoencoder runs AutoencoderKL, "):
        make(f"autoencoder:folder={folder('text-to-image') / 'unet'}").check()
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(UserError, match="does not read as JSON"):
        make(f"autoencoder:folder={tmp_path}").check()


def test_the_hub_is_asked_only_where_it_is_allowed(folder: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def snapshot_download(name: str, **options: Any) -> str:
        asked.append(name)
        return str(folder("kl"))

    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
    with pytest.raises(UserError):
        make("autoencoder:folder=owner/name").check()
    assert not asked
    make("autoencoder:folder=owner/name,hub=true").check()
    assert asked == ["owner/name"]


def test_a_hub_that_does_not_give_is_told() -> None:
    with pytest.raises(
        UserError, match=r"^the hub does not give owner/name: .*; check its name, or download it by hand$"
    ):
        make("autoencoder:folder=owner/name,hub=true").check()


def test_without_diffusers_it_names_the_extra(folder: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtra, match=r"pip install 'simulacra\[diffusers\]'$"):
        make(f"autoencoder:folder={folder('kl')}").check()


def _change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))

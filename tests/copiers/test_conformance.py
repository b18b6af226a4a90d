import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from simulacra.copiers import Copier, Determinism, Parameters, Receipt, families, make
from simulacra.copiers.conformance import CHECKS, Breach
from simulacra.registry import registry

from .conftest import PLUGIN, decoder, encoder

Check = Callable[[str], None]

VARIANTS = [
    "jpeg:quality=30,subsampling=4:4:4",
    "jpeg2000:ratio=1,wavelet=5/3",
    "jpegxl:distance=0,effort=1",
    "realesrgan:model=animevideov3",
    "resize:filter=lanczos,scale=0.75",
    "waifu2x:model=upconv-photo,noise=-1",
]
OWN = {"autoencoder", "flux-kontext", "img2img", "instruct-pix2pix", "onnx", "qwen-image-edit", "relay", "replay"}
"""Families that run only on files, runs or copiers of the user's: their own tests put them through the checks."""
HERE = [name for name in families() if families()[name].determinism is not Determinism.NEVER and name not in OWN]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("specification", [*HERE, *VARIANTS])
def test_every_registered_copier_conforms(specification: str, check: Check, taesd_files: Callable[..., Path]) -> None:
    if specification == "taesd":  # the one that runs on files of the user's
        specification = f"taesd:folder={taesd_files(encoder(4), decoder(4))}"
    check(specification)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_a_plugin_conforms(check: Check, plugin: str) -> None:
    check("posterise")
    check("posterise:levels=7")


def test_a_plugin_is_found_listed_and_can_be_shut_out(plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "posterise" in families()
    assert registry("copier").source("posterise") == f"{plugin} 1.0"
    registry.cache_clear()
    monkeypatch.setenv("SIMULACRA_PLUGINS", "another")
    assert "posterise" not in families()
    assert "jpeg" in families()


class Rogue(Copier):
    """Conforms; each test below breaks one rule of it."""

    family = "rogue"
    summary = licence = origin = "a test"
    determinism = Determinism.EXACT

    def copy(self, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
        return pictures.clone(), [Receipt(0.0) for _ in seeds]


def _in_place(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures.mul_(0.5), [Receipt(0.0) for _ in seeds]


def _over(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures * 1.5, [Receipt(0.0) for _ in seeds]


def _cropped(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures[..., 1:], [Receipt(0.0) for _ in seeds]


def _by_batch(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures / len(pictures), [Receipt(0.0) for _ in seeds]


def _by_seed(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures / (1 + seeds[0] % 7), [Receipt(0.0) for _ in seeds]


def _by_step(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures / step, [Receipt(0.0) for _ in seeds]


def _by_chance(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures * torch.rand(1, generator=DICE), [Receipt(0.0) for _ in seeds]


def _one_receipt(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures.clone(), [Receipt(0.0)]


def _odd_receipt(self: Copier, pictures: Tensor, seeds: Sequence[int], step: int) -> tuple[Tensor, list[Receipt]]:
    return pictures.clone(), [Receipt(0.0, {"what": object()}) for _ in seeds]


DICE = torch.Generator().manual_seed(0)
NO_GRADIENT = {
    "differentiable": True,
    "copy": lambda self, p, s, n: (p.detach() * p.sum() * 0, [Receipt(0.0) for _ in s]),
}


@pytest.mark.parametrize(
    ("broken", "breach"),
    [
        ({"licence": ""}, "licence is not stated"),
        ({"copy": _in_place}, "the original was changed"),
        ({"copy": _over}, "leave the range"),
        ({"copy": _cropped}, "became"),
        ({"copy": _by_batch}, "copied alone"),
        ({"copy": _by_seed}, "seeded is not stated"),
        ({"copy": _by_step}, "autonomous is stated"),
        ({"copy": _by_chance}, "two equal calls differ|copied alone"),
        ({"copy": _one_receipt}, "1 receipts"),
        ({"copy": _odd_receipt}, "canonical JSON"),
        ({"weights": lambda self: {"file": "short"}}, "digest of file"),
        (NO_GRADIENT, "no gradient"),
    ],
)
def test_each_rule_can_be_broken_and_is_seen(
    broken: dict[str, object], breach: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = type("Rogue", (Rogue,), broken)
    monkeypatch.setattr("simulacra.copiers.specification.family", lambda name: kind)
    monkeypatch.setattr("simulacra.copiers.conformance.families", lambda: {"rogue": kind})
    found = []
    for check in CHECKS:
        try:
            check("rogue")
        except Breach as error:
            found.append(str(error))
    assert any(re.search(breach, text) for text in found), found


def test_the_rogue_conforms_while_it_keeps_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulacra.copiers.specification.family", lambda name: Rogue)
    monkeypatch.setattr("simulacra.copiers.conformance.families", lambda: {"rogue": Rogue})
    for check in CHECKS:
        check("rogue")
    assert make("rogue").parameters == Parameters()


def test_the_plugin_is_the_example_of_the_docs() -> None:
    text = (PLUGIN.parents[1] / "docs" / "extending.md").read_text(encoding="utf-8")
    for path in (PLUGIN / "pyproject.toml", PLUGIN / "src" / "simulacra_fixture_plugin" / "__init__.py"):
        assert path.read_text(encoding="utf-8") in text, f"docs/extending.md does not hold {path.name} as it is"

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor

from simulacra.copiers import Copier, Determinism, Receipt, make
from simulacra.copiers.conformance import CHECKS
from simulacra.errors import UserError

MODULE = """
import numpy as np
import torch

def darker(picture):
    return picture * 0.5

def brighter(picture):
    return picture + 0.5

def mirrored(pixels):
    return pixels[:, ::-1]

def noisy(picture, seed):
    return picture + torch.randn(picture.shape, generator=torch.Generator().manual_seed(seed)) / 10

def in_place(picture):
    return picture.zero_()

def smaller(picture):
    return picture[..., 1:]

def broken(picture):
    raise RuntimeError("no more memory")

def empty(picture):
    return picture * float("nan")

def nothing(picture):
    return None

class Model:
    def copy(self, picture):
        return picture

model = Model()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A module in the working folder, which is not on the path."""
    (tmp_path / "my_copiers.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "my_copiers"
    sys.modules.pop("my_copiers", None)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("call", ["darker", "mirrored,form=array", "noisy,seed=true"])
def test_conforms(check: Callable[[str], None], call: str, module: str) -> None:
    check(f"function:call={module}:{call},determinism=exact")


def test_a_copy_is_what_the_function_gives(module: str, crop: Tensor) -> None:
    assert torch.equal(_one(make(f"function:call={module}:darker"), crop)[0], crop * 0.5)
    assert torch.equal(_one(make(f"function:call={module}:brighter"), crop)[0], (crop + 0.5).clamp(0, 1))
    assert torch.equal(_one(make(f"function:call={module}:mirrored,form=array"), crop)[0], crop.flip(-1))
    assert torch.equal(_one(make(f"function:call={module}:model.copy"), crop)[0], crop)


def test_a_function_cannot_change_the_original(module: str, crop: Tensor) -> None:
    before = crop.clone()
    _one(make(f"function:call={module}:in_place"), crop)
    assert torch.equal(crop, before)


def test_a_seeded_function_gets_the_seed(module: str, crop: Tensor) -> None:
    copier = make(f"function:call={module}:noisy,seed=true")
    assert copier.seeded
    first, again, other = (copier.copy(crop, [seed], 1)[0] for seed in (1, 1, 2))
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize(
    ("call", "refusal"),
    [
        ("broken", r"^my_copiers:broken raised RuntimeError: no more memory$"),
        ("smaller", r"ValueError: it made shape \(1, 3, 97, 130\) from \(1, 3, 97, 131\); let it keep the size$"),
        ("empty", r"ValueError: it made values that are not finite$"),
        ("nothing", r"TypeError: a floating-point tensor is wanted back, not NoneType$"),
        ("darker,form=array", r"TypeError: a uint8 array is wanted back, not ndarray of float64$"),
        ("noisy", r"TypeError: noisy\(\) missing 1 required positional argument: 'seed'$"),
    ],
)
def test_errors_are_refusals_with_their_words(module: str, crop: Tensor, call: str, refusal: str) -> None:
    copied, receipt = _one(make(f"function:call={module}:{call}"), crop)
    assert receipt.refusal is not None and re.search(refusal, receipt.refusal), receipt.refusal
    assert torch.equal(copied, crop)


def test_identity_holds_the_file_of_the_function(module: str, tmp_path: Path) -> None:
    before = make(f"function:call={module}:darker").operator()
    assert make(f"function:call={module}:darker").operator() == before
    (tmp_path / "my_copiers.py").write_text(MODULE.replace("0.5", "0.25"))
    assert make(f"function:call={module}:darker").operator() != before
    assert str(tmp_path) not in str(before)


def test_compiled_functions_have_no_source() -> None:
    assert make("function:call=math:floor").operator()["source"] is None


def test_it_is_trusted_only_when_told() -> None:
    assert make("function:call=a:b").determinism is Determinism.NEVER
    assert make("function:call=a:b,determinism=exact").determinism is Determinism.EXACT


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("function", r"^copier function needs a function; type function:call=MODULE:NAME$"),
        ("function:call=no_such_module:f", r"no_such_module does not import: ModuleNotFoundError: .*; start in the"),
        ("function:call=math:no_such", r"^call of copier function is math:no_such, and math has no function no_such$"),
        ("function:call=math:pi", r"math has no function pi$"),
    ],
)
def test_what_cannot_be_called_is_told_by_check(text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make(text).check()


@pytest.mark.parametrize("call", ["model.py", "my model:copy", "os.system('ls')", ":f", "m:"])
def test_only_an_import_path_is_taken(call: str) -> None:
    with pytest.raises(UserError, match=r"it must be module:name, such as my_model:copy"):
        make(f"function:call={call}")


def _one(copier: Copier, picture: Tensor) -> tuple[Tensor, Receipt]:
    copies, receipts = copier.copy(picture, [1], 1)
    return copies, receipts[0]

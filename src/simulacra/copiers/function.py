"""Any Python function as a copier, named by its import path."""

import sys
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from importlib import import_module
from inspect import getsourcefile
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt
from simulacra.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

LONGEST_SENTENCE = 300
"""Characters of an exception's message that a refusal quotes."""


class FunctionParameters(Parameters):
    """Which function, and what it takes and gives."""

    call: str = Field("", description="import path of the function, module:name; the working folder is searched last")
    form: Literal["tensor", "array"] = Field(
        "tensor",
        description="what it takes and gives: a float32 tensor (1, 3, H, W) in [0, 1], or a uint8 array (H, W, 3)",
    )
    seed: bool = Field(False, description="true: it is called with seed=NUMBER too, another one for each copy")
    determinism: Literal["never", "same-machine", "exact"] = Field(
        "never",
        description="never, unless you know that equal input gives equal bits (same-machine, exact); "
        "stored copies are then used again",
    )

    @field_validator("call")
    @classmethod
    def _two_names(cls, text: str) -> str:
        module, _, name = text.partition(":")
        if text and not all(part.isidentifier() for part in (*module.split("."), *name.split("."))):
            raise ValueError(f"call is {text!r}; it must be module:name, such as my_model:copy")
        return text


class Function(Copier):
    """Calls a function of yours with each picture. Its errors stop the chain, not the command."""

    family = "function"
    summary = "calls a Python function of yours, named by its import path"
    licence = "that of the function you name"
    origin = "Python code on this machine, as you name it"
    determinism = Determinism.NEVER
    Parameters = FunctionParameters
    parameters: FunctionParameters

    def __init__(self, parameters: FunctionParameters | None = None) -> None:
        super().__init__(parameters)
        self.determinism = Determinism(self.parameters.determinism)
        self.seeded = self.parameters.seed

    def check(self) -> None:
        """Refuse when no function is given, or it does not import; see `Copier.check`."""
        self._function  # noqa: B018 - importing is the check

    def operator(self) -> dict[str, Any]:
        """As every copier's, with a digest of the file that holds the function; what that file imports is not in it."""
        return super().operator() | {"source": self._source}

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Call the function once a picture; see `Copier.copy`."""
        import torch

        copies, receipts = [], []
        for picture, seed in zip(pictures, seeds, strict=True):
            began = perf_counter()
            effective: dict[str, Any] = {"call": self.parameters.call, "form": self.parameters.form}
            if self.seeded:
                effective["seed"] = seed
            refusal = None
            try:
                copied = self._call(picture[None], seed)
            except (
                Exception
            ) as error:  # whatever the function does wrong ends its chain, with the reason in the journal
                copied = picture[None]
                refusal = f"{self.parameters.call} raised {type(error).__name__}: {error}"[:LONGEST_SENTENCE]
            copies.append(copied)
            receipts.append(Receipt(perf_counter() - began, effective, refusal=refusal))
        return torch.cat(copies), receipts

    def _call(self, picture: "Tensor", seed: int) -> "Tensor":
        """What the function makes of a picture (1, 3, H, W), clamped to [0, 1].

        Raises:
            TypeError, ValueError: it gave something else than a picture of this size; beside what it raises itself.
        """
        import numpy as np
        import torch

        from simulacra.images.pixels import to_picture, to_pixels

        given: dict[str, Any] = {"seed": seed} if self.seeded else {}
        if self.parameters.form == "tensor":
            with torch.no_grad():
                copied = self._function(picture.detach().clone(), **given)
            if not isinstance(copied, torch.Tensor) or not copied.is_floating_point():
                raise TypeError(f"a floating-point tensor is wanted back, not {_kind(copied)}")
            wanted, found = tuple(picture.shape), tuple(copied.shape)
        else:
            pixels = to_pixels(picture)
            copied = self._function(pixels, **given)
            if not isinstance(copied, np.ndarray) or copied.dtype != np.uint8:
                raise TypeError(f"a uint8 array is wanted back, not {_kind(copied)}")
            wanted, found = pixels.shape, copied.shape
        if found != wanted:
            raise ValueError(f"it made shape {found} from {wanted}; let it keep the size")
        if self.parameters.form == "array":
            return to_picture(copied).to(picture.device)
        if not bool(copied.isfinite().all()):
            raise ValueError("it made values that are not finite")
        clamped: Tensor = copied.to(picture).clamp(0, 1)
        return clamped

    @cached_property
    def _function(self) -> Callable[..., Any]:
        if not self.parameters.call:
            raise UserError("copier function needs a function; type function:call=MODULE:NAME")
        module, _, name = self.parameters.call.partition(":")
        here = str(Path.cwd())
        if here not in sys.path:
            sys.path.append(here)  # last, so that a file of yours hides no installed package
        try:
            found: Any = import_module(module)
        except Exception as error:  # the module's own code runs here
            raise UserError(
                f"call of copier function is {self.parameters.call}, and {module} does not import: "
                f"{type(error).__name__}: {error}; start in the folder that holds it, or install it"
            ) from error
        for part in name.split("."):
            found = getattr(found, part, None)
        if not callable(found):
            raise UserError(f"call of copier function is {self.parameters.call}, and {module} has no function {name}")
        function: Callable[..., Any] = found
        return function

    @cached_property
    def _source(self) -> str | None:
        """SHA-256 of the file that holds the function; None for compiled code."""
        function = self._function
        try:
            file = getsourcefile(function) or getsourcefile(type(function))
        except TypeError:
            file = None
        return sha256(Path(file).read_bytes()).hexdigest() if file else None


def _kind(value: object) -> str:
    dtype = getattr(value, "dtype", None)
    return f"{type(value).__name__} of {dtype}" if dtype is not None else type(value).__name__

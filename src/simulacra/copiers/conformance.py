"""What every copier must do, as checks that run on any of them: the built-in ones, and yours in your own tests.

    from simulacra.copiers.conformance import CHECKS

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_conforms(check):
        check("mycopier:strength=2")

A check raises `Breach` with the rule that is broken and what was found instead.
"""

import pickle
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING

from simulacra.canonical import canonical_json
from simulacra.copiers.contract import Copier, Determinism, Receipt
from simulacra.copiers.specification import families, make
from simulacra.errors import UserError
from simulacra.seeds import derive_seed

if TYPE_CHECKING:
    from torch import Tensor

SIZES = ((64, 48), (37, 53), (16, 129))
"""Width and height in pixels: even, odd and prime, and long; those outside a copier's size rule are left out."""

BATCH_TOLERANCE = 2e-3
"""Of a picture alone against the same in a batch: half an 8-bit level, for networks that sum in another order then."""


class Breach(AssertionError):
    """A copier breaks a rule of the contract."""


def states_its_facts(specification: str) -> None:
    """Family, summary, licence and origin are said, and every parameter has a description."""
    copier = make(specification)
    for fact in ("family", "summary", "licence", "origin", "determinism"):
        _require(bool(getattr(copier, fact, "")), f"{fact} is not stated")
    _require(copier.family in families(), f"family {copier.family!r} is not the name it is registered under")
    for name, field in copier.Parameters.model_fields.items():
        _require(bool(field.description), f"parameter {name} has no description")
        _require(not field.is_required(), f"parameter {name} has no default")


def keeps_shape_type_and_range(specification: str) -> None:
    """A copy has the shape and type of its original, lies in [0, 1], and the original is left as it was."""
    copier = make(specification)
    for width, height in _sizes(copier):
        original = _pictures(2, width, height)
        before = original.clone()
        copies, _ = copier.copy(original, _seeds(2), 1)
        _require(copies.shape == original.shape, f"{tuple(original.shape)} became {tuple(copies.shape)}")
        _require(copies.dtype == original.dtype, f"the copies are {copies.dtype}, not {original.dtype}")
        _require(bool(copies.isfinite().all()), "the copies hold values that are not finite")
        _require(bool(((copies >= 0) & (copies <= 1)).all()), "the copies leave the range [0, 1]")
        _require(bool((original == before).all()), "the original was changed")


def does_not_depend_on_the_batch(specification: str) -> None:
    """A picture's copy is the same alone as beside another, each with its own seed."""
    copier = make(specification)
    if copier.determinism is Determinism.NEVER:
        return
    width, height = _sizes(copier)[0]
    pictures, seeds = _pictures(2, width, height), _seeds(2)
    together, _ = copier.copy(pictures, seeds, 1)
    for place in range(2):
        alone, _ = copier.copy(pictures[place : place + 1], seeds[place : place + 1], 1)
        off = float((alone[0] - together[place]).abs().max())
        _require(off <= BATCH_TOLERANCE, f"picture {place} differs by {off:.2g} when it is copied alone")


def repeats_itself(specification: str) -> None:
    """Unless its determinism is `never`, the same call gives the same bits, from a new object too."""
    first, second = make(specification), make(specification)
    if first.determinism is Determinism.NEVER:
        return
    width, height = _sizes(first)[0]
    pictures, seeds = _pictures(1, width, height), _seeds(1)
    expected, _ = first.copy(pictures, seeds, 3)
    for copier in (first, second):
        again, _ = copier.copy(pictures, seeds, 3)
        _require(
            bool((again == expected).all()), f"two equal calls differ, although determinism is {first.determinism}"
        )


def uses_seed_and_step_as_it_says(specification: str) -> None:
    """The seed matters only where `seeded` is stated, the step only where `autonomous` is not."""
    copier = make(specification)
    if copier.determinism is Determinism.NEVER:
        return
    width, height = _sizes(copier)[0]
    pictures = _pictures(1, width, height)
    copied, _ = copier.copy(pictures, [1], 1)
    if not copier.seeded:
        other, _ = copier.copy(pictures, [2], 1)
        _require(bool((other == copied).all()), "another seed gives another copy, although seeded is not stated")
    if copier.autonomous:
        other, _ = copier.copy(pictures, [1], 2)
        _require(bool((other == copied).all()), "another step gives another copy, although autonomous is stated")


def gives_receipts(specification: str) -> None:
    """One receipt a picture, with seconds that have passed and effective parameters that JSON can hold."""
    copier = make(specification)
    width, height = _sizes(copier)[0]
    began = perf_counter()
    _, receipts = copier.copy(_pictures(2, width, height), _seeds(2), 1)
    elapsed = perf_counter() - began
    _require(len(receipts) == 2, f"two pictures came with {len(receipts)} receipts")
    for receipt in receipts:
        _require(isinstance(receipt, Receipt), f"a receipt is a {type(receipt).__name__}")
        _require(0 <= receipt.seconds <= elapsed, f"a receipt says {receipt.seconds} s of {elapsed} s")
        _require(receipt.refusal is None, f"it refused an ordinary picture: {receipt.refusal}")
        _canonical(dict(receipt.effective), "the effective parameters")


def can_be_made_again(specification: str) -> None:
    """Its own specification gives an equal copier, and its operator is canonical JSON without the machine in it."""
    copier = make(specification)
    again = make(copier.specification)
    _require(again.parameters == copier.parameters, f"{copier.specification} gives other parameters")
    text = _canonical(copier.operator(), "the operator")
    _require(text == _canonical(again.operator(), "the operator"), "an equal copier has another operator")
    for name, digest in copier.weights().items():
        _require(len(digest) == 64 and set(digest) <= set("0123456789abcdef"), f"the digest of {name} is {digest!r}")


def refuses_what_it_does_not_know(specification: str) -> None:
    """An unknown parameter and a picture outside the size rule are the user's mistakes, told in one line."""
    copier = make(specification)
    _refuses(lambda: make(f"{copier.family}:no-such-parameter=1"), "an unknown parameter")
    rule = copier.size_rule
    _refuses(lambda: rule.check(copier.family, rule.largest + 1, rule.largest), "a picture above its largest size")


def lets_gradients_through(specification: str) -> None:
    """Where `differentiable` is stated, a picture that asks for gradients gets finite ones that are not all zero."""
    copier = make(specification)
    if not copier.differentiable:
        return
    width, height = _sizes(copier)[0]
    pictures = _pictures(1, width, height).requires_grad_()
    copies, _ = copier.copy(pictures, _seeds(1), 1)
    copies.mean().backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
    gradient = pictures.grad
    _require(gradient is not None and bool(gradient.isfinite().all() and gradient.any()), "no gradient came through")


def pickles_as_its_parameters(specification: str) -> None:
    """The parameters, which travel to other processes, are plain data: they survive pickling equal."""
    parameters = make(specification).parameters
    _require(pickle.loads(pickle.dumps(parameters)) == parameters, "the parameters change when they are pickled")


CHECKS: tuple[Callable[[str], None], ...] = (
    states_its_facts,
    keeps_shape_type_and_range,
    does_not_depend_on_the_batch,
    repeats_itself,
    uses_seed_and_step_as_it_says,
    gives_receipts,
    can_be_made_again,
    refuses_what_it_does_not_know,
    lets_gradients_through,
    pickles_as_its_parameters,
)
"""Every check; each takes a specification."""


def _require(kept: bool, breach: str) -> None:
    if not kept:
        raise Breach(breach)


def _refuses(call: Callable[[], object], what: str) -> None:
    try:
        call()
    except UserError as error:
        _require("\n" not in str(error), f"the refusal of {what} has several lines")
    else:
        raise Breach(f"{what} is not refused")


def _canonical(value: object, what: str) -> str:
    try:
        return canonical_json(value)
    except ValueError as error:
        raise Breach(f"{what} cannot be written as canonical JSON: {error}") from error


def _sizes(copier: Copier) -> list[tuple[int, int]]:
    rule = copier.size_rule
    fitting = [size for size in SIZES if rule.smallest <= min(size) and max(size) <= rule.largest]
    return fitting or [(rule.smallest, rule.smallest)]


def _seeds(count: int) -> list[int]:
    return [derive_seed(0, "conformance", place) for place in range(count)]


def _pictures(count: int, width: int, height: int) -> "Tensor":
    """Smooth colour waves with some noise, in whole 8-bit levels as stored frames are."""
    import torch

    generator = torch.Generator().manual_seed(derive_seed(0, "conformance pictures", width, height))
    across = torch.linspace(0, 1, width)
    down = torch.linspace(0, 1, height)[:, None]
    phase = torch.arange(3 * count).view(count, 3, 1, 1)
    waves = 0.5 + 0.4 * torch.sin(5 * across + 3 * down + phase)
    noisy = waves + 0.05 * torch.randn(count, 3, height, width, generator=generator)
    return noisy.clamp(0, 1).mul(255).round().div(255)

"""The fast operations compute what the reference ones do, exactly but for rounding, and both can be derived twice."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description, build_generator, use_operations
from simulacra.stylegan.networks.operations import Fast, Operations, Reference

from .toys import FAMILIES, NAMES, seeded, shaken

Call = Callable[[Operations, Tensor, Tensor, Tensor], Tensor]

CALLS: dict[str, Call] = {
    "up": lambda form, x, kernel, vector: form.up_convolve(x, kernel, vector[0], blur=True),
    "up, as the progressive GAN": lambda form, x, kernel, vector: form.up_convolve(x, kernel, None, blur=False),
    "down": lambda form, x, kernel, vector: form.down_convolve(x, kernel, vector[0], blur=True),
    "down, as the progressive GAN": lambda form, x, kernel, vector: form.down_convolve(
        x, kernel, vector[0], blur=False
    ),
    "restyle": lambda form, x, kernel, vector: form.restyle(x, vector, 2 * vector),
    "modulated": lambda form, x, kernel, vector: form.modulated_convolve(x, kernel, vector, True, up=False),
    "modulated, 1x1": lambda form, x, kernel, vector: form.modulated_convolve(
        x, kernel[..., :1, :1], vector, False, False
    ),
    "modulated, up": lambda form, x, kernel, vector: form.modulated_convolve(x, kernel, vector, True, up=True),
    "smooth down": lambda form, x, kernel, vector: form.smooth_down_convolve(x, kernel),
    "smooth down, 1x1": lambda form, x, kernel, vector: form.smooth_down_convolve(x, kernel[..., :1, :1]),
    "smooth up": lambda form, x, kernel, vector: form.smooth_up(x),
}


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "contiguous": Tensor.contiguous,
    "channels-last": lambda x: x.contiguous(memory_format=torch.channels_last),
    "neither": lambda x: x.mT.contiguous().mT,
}


def inputs(side: int, layout: str = "contiguous", maps: int = 3) -> tuple[Tensor, Tensor, Tensor]:
    generator, double = seeded(), torch.float64
    return (
        LAYOUTS[layout](torch.randn(2, maps, side, side, generator=generator, dtype=double)),
        torch.randn(maps, maps, 3, 3, generator=generator, dtype=double),
        torch.randn(2, maps, generator=generator, dtype=double),
    )


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("side", [4, 8, 16, 32])  # up to 32 -> 64, and down again: no resolution is special
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fast_equals_reference(name: str, side: int, layout: str) -> None:
    arguments = inputs(side, layout)
    fast, reference = CALLS[name](Fast(), *arguments), CALLS[name](Reference(), *arguments)
    # float64 sums of at most 27 products of order 1, in another order
    torch.testing.assert_close(fast, reference, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("side", [8, 32])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_fast_has_the_gradients_of_reference(name: str, side: int, layout: str) -> None:
    found = []
    for form in (Fast(), Reference()):
        leaves = [each.clone().requires_grad_() for each in inputs(side, layout)]
        CALLS[name](form, *leaves).sin().sum().backward()
        found.append([torch.zeros_like(leaf) if leaf.grad is None else leaf.grad for leaf in leaves])
    for fast, reference in zip(*found, strict=True):
        torch.testing.assert_close(fast, reference, rtol=1e-10, atol=1e-10)  # as above, through one more layer of sums


@pytest.mark.parametrize("form", [Fast(), Reference()], ids=["fast", "reference"])
@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_second_derivatives(name: str, form: Operations, layout: str) -> None:
    def call(*leaves: Tensor) -> Tensor:
        return CALLS[name](form, *leaves)

    # The penalty R1 differentiates a gradient; the default tolerances of the check are for float64.
    leaves = tuple(each.requires_grad_() for each in inputs(4, layout, maps=2))
    assert torch.autograd.gradgradcheck(call, leaves, fast_mode=True)


def test_the_fused_up_convolution_needs_its_kernel_turned() -> None:
    # Four shifted copies of the 3x3 kernel, laid down by a transposed convolution: the same as repeating pixels and
    # then convolving only with the kernel turned by 180 degrees, which converters of published weights forget.
    x, kernel, _ = inputs(8)
    expected = Reference().up_convolve(x, kernel, None, blur=False)

    def laid_down(kernel: Tensor) -> Tensor:
        shifted = [F.pad(kernel, (left, 1 - left, top, 1 - top)) for left in (0, 1) for top in (0, 1)]
        return F.conv_transpose2d(x, sum(shifted).transpose(0, 1), stride=2, padding=1)

    assert (laid_down(kernel.flip(2, 3)) - expected).abs().max() < 1e-13
    assert (laid_down(kernel) - expected).abs().max() > 1


def test_the_fused_down_convolution_does_not() -> None:
    x, kernel, vector = inputs(8)
    shifted = sum(F.pad(kernel, (left, 1 - left, top, 1 - top)) for left in (0, 1) for top in (0, 1))
    expected = F.avg_pool2d(F.conv2d(x, kernel, padding=1), 2)
    assert (F.conv2d(x, shifted / 4, stride=2, padding=1) - expected).abs().max() < 1e-13
    found = Fast().down_convolve(x, kernel, torch.zeros_like(vector[0]), blur=False)
    assert (found - expected).abs().max() < 1e-13


@pytest.mark.parametrize("description", FAMILIES, ids=NAMES)
def test_the_switch_reaches_every_layer_and_changes_no_picture(description: Description) -> None:
    generator = shaken(build_generator(description, 1))
    ws = torch.randn(2, 6, 7, generator=seeded(), dtype=torch.float64)
    with torch.no_grad():
        fast = generator.synthesis(ws)
        use_operations(generator, "reference")
        reference = generator.synthesis(ws)
    assert not torch.equal(fast, reference)  # the last bits show that other sums were made
    torch.testing.assert_close(fast, reference, rtol=1e-9, atol=1e-9)


def test_an_unknown_form_is_told() -> None:
    with pytest.raises(UserError, match="'fats' is unknown; did you mean fast"):
        use_operations(build_generator(FAMILIES[0], 1), "fats")  # type: ignore[arg-type]

import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description, Discriminator, build_discriminator, use_operations
from simulacra.stylegan.networks.operations import OperationsName

from .toys import FAMILIES, NAMES, one_hot, seeded, shaken

LABELS = one_hot(0, 2, 1, 0)

families = pytest.mark.parametrize("description", FAMILIES, ids=NAMES)


def pictures() -> Tensor:
    return torch.randn(4, 4, 16, 16, generator=seeded(), dtype=torch.float64)


def penalty(discriminator: Discriminator, x: Tensor, lod: float = 0.0) -> Tensor:
    """R1: the mean of the squared gradient's length."""
    x = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(discriminator(x, LABELS, lod).sum(), x, create_graph=True)
    return slope.square().sum((1, 2, 3)).mean()


@families
@pytest.mark.parametrize("form", ["fast", "reference"])
def test_the_penalty_has_the_right_gradient_everywhere(description: Description, form: OperationsName) -> None:
    discriminator = shaken(build_discriminator(description, 1))
    use_operations(discriminator, form)
    generator = seeded(1)
    direction = [torch.randn(each.shape, generator=generator, dtype=each.dtype) for each in discriminator.parameters()]
    parameters = list(discriminator.parameters())
    slopes = torch.autograd.grad(penalty(discriminator, pictures()), parameters, allow_unused=True)
    along = sum((slope * way).sum() for slope, way in zip(slopes, direction, strict=True) if slope is not None)
    step, values = 1e-7, []
    for sign in (1, -2):
        with torch.no_grad():
            for parameter, way in zip(parameters, direction, strict=True):
                parameter.add_(sign * step * way)
        values.append(float(penalty(discriminator, pictures()).detach()))
    # Central differences at 1e-7 in float64: their own error is about 1e-8; kinks of the leaky ReLU are rarely crossed.
    assert (values[0] - values[1]) / (2 * step) == pytest.approx(float(along), rel=1e-4)


def test_the_penalty_within_a_fade() -> None:
    values = []
    for form in ("fast", "reference"):
        discriminator = shaken(build_discriminator(FAMILIES[0], 1))
        use_operations(discriminator, form)
        value = penalty(discriminator, pictures(), 0.5)
        value.backward()
        values.append([value, *(each.grad for each in discriminator.parameters() if each.grad is not None)])
    for fast, reference in zip(*values, strict=True):
        torch.testing.assert_close(fast, reference, rtol=1e-8, atol=1e-8)  # float64, gradients of gradients


@families
def test_in_half_precision_judgements_hardly_change(description: Description) -> None:
    discriminator, x = build_discriminator(description, 1), pictures().float()
    with torch.no_grad():
        full = discriminator(x, LABELS.float())
        with torch.autocast("cpu", torch.bfloat16):
            half = discriminator(x, LABELS.float())
    assert half.dtype == torch.float32  # the last layers keep their digits
    assert (half - full).abs().max() < 0.05 * full.abs().max()  # a dozen roundings of 2^-9 on logits of order 1
    with torch.autocast("cpu", torch.bfloat16):
        penalty(discriminator, x).backward()
    assert all(each.grad.isfinite().all() for each in discriminator.parameters() if each.grad is not None)


@families
def test_memory_formats_give_the_same_judgements(description: Description) -> None:
    discriminator = shaken(build_discriminator(description, 1))
    with torch.no_grad():
        expected = discriminator(pictures(), LABELS)
        discriminator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        found = discriminator(pictures().contiguous(memory_format=torch.channels_last), LABELS)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-9)  # float64, summed in another order


@families
def test_each_label_has_its_own_logit_and_weights_may_be_mixed(description: Description) -> None:
    discriminator, x = shaken(build_discriminator(description, 1)), pictures()
    with torch.no_grad():
        each = torch.cat([discriminator(x, one_hot(*[label] * 4)) for label in range(3)], dim=1)
        assert len(each[0].unique()) == 3
        even = discriminator(x, torch.full((4, 3), 1 / 3, dtype=torch.float64))
    torch.testing.assert_close(even, each.mean(1, keepdim=True))


@families
def test_every_parameter_learns(description: Description) -> None:
    discriminator = shaken(build_discriminator(description.changed(progressive=False), 1))
    discriminator(pictures(), LABELS).sum().backward()
    assert all(each.grad is not None and each.grad.any() for each in discriminator.parameters())


@families
def test_inputs_that_do_not_fit_are_told(description: Description) -> None:
    discriminator = build_discriminator(description, 1)
    with pytest.raises(
        UserError, match=r"^pictures have shape \(4, 3, 16, 16\); at lod 0 this network takes \(4, 16, 16\)"
    ):
        discriminator(torch.zeros(4, 3, 16, 16), LABELS)
    with pytest.raises(UserError, match=r"^this network was made for labels"):
        discriminator(torch.zeros(4, 4, 16, 16))

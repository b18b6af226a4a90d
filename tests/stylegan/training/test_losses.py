from math import e, log, sqrt

import numpy as np
import pytest
import torch

from simulacra.stylegan.training import losses

LOGITS = torch.tensor([[0.0], [2.0], [-3.0]], dtype=torch.float64)


def softplus(x: np.ndarray) -> np.ndarray:
    return np.log1p(np.exp(x))


def test_logistic_losses_by_hand() -> None:
    x = LOGITS.numpy()
    assert float(losses.fake_loss("logistic", LOGITS)) == pytest.approx(softplus(x).mean(), rel=1e-12)
    assert float(losses.real_loss("logistic", LOGITS)) == pytest.approx(softplus(-x).mean(), rel=1e-12)
    assert float(losses.generator_loss("logistic", LOGITS)) == pytest.approx(softplus(-x).mean(), rel=1e-12)
    undecided = torch.zeros(4, 1, dtype=torch.float64)
    assert float(losses.generator_loss("logistic", undecided)) == pytest.approx(log(2), rel=1e-12)


def test_the_generators_loss_does_not_saturate() -> None:
    logits = torch.tensor([[-30.0]], requires_grad=True)  # the discriminator is sure
    losses.generator_loss("logistic", logits).backward()
    assert float(logits.grad) == pytest.approx(-1)


def test_wasserstein_losses_by_hand() -> None:
    assert float(losses.fake_loss("wgan-gp", LOGITS)) == pytest.approx(-1 / 3)
    assert float(losses.generator_loss("wgan-gp", LOGITS)) == pytest.approx(1 / 3)
    assert float(losses.real_loss("wgan-gp", LOGITS)) == pytest.approx(1 / 3 + 0.001 * 13 / 3)


def test_r1_is_half_the_squared_gradient_of_the_raw_score() -> None:
    # D(x) = a.x + |x|^2 has the gradient a + 2x.
    a = torch.tensor([1.0, -2.0, 0.5, 3.0], dtype=torch.float64, requires_grad=True)
    pictures = torch.randn(3, 1, 2, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    pictures.requires_grad_()
    flat = pictures.flatten(1)
    logits = (flat @ a + flat.square().sum(1))[:, None]
    penalty = losses.r1(logits, pictures)
    gradient = a.detach().numpy() + 2 * flat.detach().numpy()
    assert float(penalty.detach()) == pytest.approx(
        (gradient**2).sum(1).mean() / 2, rel=1e-6
    )  # its gradient is taken in fp32
    (by_a,) = torch.autograd.grad(penalty, a)
    np.testing.assert_allclose(by_a.numpy(), gradient.mean(0), rtol=1e-6)


def test_gradient_penalty_holds_the_norm_at_one() -> None:
    pictures = torch.zeros(2, 1, 2, 2, requires_grad=True)
    slopes = torch.tensor([[1.0, 2.0, 2.0, 0.0], [0.6, 0.8, 0.0, 0.0]])  # norms 3 and 1
    logits = (pictures.flatten(1) * slopes).sum(1, keepdim=True)
    assert float(losses.gradient_penalty(logits, pictures)) == pytest.approx((4 + 0) / 2, rel=1e-6)
    slope = torch.zeros((), requires_grad=True)  # where the root of the norm has no slope of its own
    penalty = losses.gradient_penalty((slope * pictures).sum((1, 2, 3))[:, None], pictures)
    penalty.backward()
    assert float(penalty.detach()) == pytest.approx(1, abs=1e-5)
    assert bool(torch.isfinite(slope.grad))


def test_path_lengths_of_a_linear_generator() -> None:
    # pictures = sum over layers of A_l w_l, so J^T y is A_l^T y in each layer.
    stream = torch.Generator().manual_seed(2)
    weights = torch.randn(2, 3 * 4 * 4, 5, generator=stream)
    ws = torch.randn(3, 2, 5, generator=stream).requires_grad_()
    y = torch.randn(3, 3, 4, 4, generator=stream)
    pictures = torch.einsum("lpw,nlw->np", weights, ws).reshape(3, 3, 4, 4)
    found = losses.path_lengths(pictures, ws, y).detach().numpy()
    moved = np.einsum("lpw,np->nlw", weights.numpy(), y.numpy().reshape(3, -1)) / sqrt(16)
    np.testing.assert_allclose(found, np.sqrt((moved**2).sum(2).mean(1)), rtol=1e-5)  # float32 sums of 48 products


def test_softplus_is_the_logarithm_it_should_be() -> None:
    one = torch.ones(1, 1, dtype=torch.float64)
    assert float(losses.fake_loss("logistic", one)) == pytest.approx(log(1 + e), rel=1e-12)

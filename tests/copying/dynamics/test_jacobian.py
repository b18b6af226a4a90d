from math import pi
from typing import Any

import pytest
import torch
from torch import Tensor

from simulacra import UserError
from simulacra.copiers.controls import Identity
from simulacra.copying.dynamics import jacobian_of_copier, leading_eigenpair

from .toys import GREY, Forgetful, Toy, linear, rotated


def test_a_linear_copier_has_its_matrix() -> None:
    diagonal = torch.diag(torch.linspace(0.0, 0.7, 48))
    diagonal[0, 0] = -0.9  # the largest in size, not in value
    matrix = rotated(diagonal)
    found = jacobian_of_copier(Toy(linear(matrix)), GREY)
    assert found.converged
    assert found.value == pytest.approx(-0.9, abs=1e-4)  # float32 products, and a residual of 1e-3 at most
    assert found.imaginary is None
    assert found.period is None
    vector = found.picture.flatten()
    assert float(vector.norm()) == pytest.approx(1, abs=1e-6)
    assert float((matrix @ vector + 0.9 * vector).norm()) <= 1e-3
    assert float(vector[vector.abs().argmax()]) > 0


def test_a_complex_pair_is_an_ordinary_case() -> None:
    turn = 2 * pi / 7
    block = torch.diag(torch.linspace(0.0, 0.5, 48))
    block[:2, :2] = (
        0.8
        * torch.tensor([[0.0, -1.0], [1.0, 0.0]])
        @ torch.linalg.matrix_exp(torch.tensor([[0.0, pi / 2 - turn], [turn - pi / 2, 0.0]]))
    )
    found = leading_eigenpair(linear(rotated(block)), GREY)
    assert found.modulus == pytest.approx(0.8, abs=1e-4)
    assert found.period == pytest.approx(7, abs=1e-3)
    assert found.imaginary is not None
    # A rotation in a plane: both parts are equally long and at right angles.
    assert float((found.picture * found.imaginary).sum()) == pytest.approx(0, abs=1e-4)
    assert float(found.picture.norm()) == pytest.approx(0.5**0.5, abs=1e-3)


def test_a_matrix_that_is_not_normal() -> None:
    matrix = torch.diag(torch.linspace(0.0, 0.6, 48)) + torch.diag(torch.full((47,), 0.3), 1)
    matrix[0, 0] = 0.9
    assert leading_eigenpair(linear(matrix), GREY).value == pytest.approx(0.9, abs=2e-3)


def test_where_the_picture_is_matters() -> None:
    # x^2 has the diagonal Jacobian 2x: the brightest pixel leads.
    picture = torch.linspace(0.1, 0.4, 48).reshape(1, 3, 4, 4)
    found = leading_eigenpair(lambda x: x * x, picture)
    assert found.value == pytest.approx(0.8, abs=1e-3)
    assert int(found.picture.flatten().abs().argmax()) == 47


class _NoForwardRule(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        return x * x / 2

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        return gradients[0] * x


def test_an_operation_without_a_forward_rule_is_differentiated_backward_twice() -> None:
    picture = torch.linspace(0.1, 0.9, 48).reshape(1, 3, 4, 4)
    found = leading_eigenpair(lambda x: _NoForwardRule.apply(x), picture)
    assert found.value == pytest.approx(0.9, abs=1e-3)


def test_the_identity_has_1_at_once() -> None:
    found = jacobian_of_copier(Identity(), GREY)
    assert found.value == pytest.approx(1, abs=1e-6)
    assert found.products == 1


def test_refuses_what_has_no_jacobian() -> None:
    with pytest.raises(UserError, match="not differentiable"):
        jacobian_of_copier(Forgetful(lambda x: x), GREY)
    with pytest.raises(UserError, match="dimension is 1"):
        leading_eigenpair(lambda x: x, GREY, dimension=1)

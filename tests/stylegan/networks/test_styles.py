import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks.styles import broadcast, mix, replace, truncate

from .toys import seeded


def styles(seed: int = 0) -> Tensor:
    return torch.randn(2, 6, 4, generator=seeded(seed))


W_AVG = torch.tensor([1.0, -2.0, 0.5, 3.0])


def test_a_style_for_every_layer() -> None:
    w = styles()[:, 0]
    ws = broadcast(w, 6)
    assert ws.shape == (2, 6, 4)
    assert all(torch.equal(ws[:, row], w) for row in range(6))


@pytest.mark.parametrize("psi", [0.7, 0.5, -0.5, -1.0])
def test_truncation(psi: float) -> None:
    ws = styles()
    expected = W_AVG.double() + psi * (ws.double() - W_AVG.double())
    torch.testing.assert_close(truncate(ws, W_AVG, psi).double(), expected, rtol=0, atol=1e-6)  # float32 of order 1
    cut = truncate(ws, W_AVG, psi, cutoff=2)
    torch.testing.assert_close(cut[:, :2].double(), expected[:, :2], rtol=0, atol=1e-6)
    assert torch.equal(cut[:, 2:], ws[:, 2:])


def test_truncation_is_exact_at_its_ends() -> None:
    ws = styles()
    assert torch.equal(truncate(ws, W_AVG, 1.0), ws)
    assert torch.equal(truncate(ws, W_AVG, 0.0), W_AVG.expand(2, 6, 4))
    assert torch.equal(truncate(ws, W_AVG, 0.0, cutoff=0), ws)


def test_each_layer_may_have_its_own_psi() -> None:
    ws, psi = styles(), torch.tensor([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    found = truncate(ws, W_AVG, psi)
    for row in range(6):
        torch.testing.assert_close(found[:, row], truncate(ws, W_AVG, float(psi[row]))[:, row])
    assert torch.equal(truncate(ws, W_AVG, psi, cutoff=1)[:, 1:], ws[:, 1:])
    assert torch.equal(truncate(ws, W_AVG, torch.tensor(0.5)), truncate(ws, W_AVG, 0.5))


def test_mixing_at_crossovers() -> None:
    one, two, three = styles(1), styles(2), styles(3)
    mixed = mix([one, two, three], [2, 5])
    assert torch.equal(mixed, torch.cat([one[:, :2], two[:, 2:5], three[:, 5:]], dim=1))
    assert torch.equal(mix([one], []), one)
    assert torch.equal(mix([one, two, three], [3, 3]), mix([one, three], [3]))
    assert torch.equal(mix([one, two], [6]), one)


def test_styles_of_a_group_are_replaced() -> None:
    one, two = styles(1), styles(2)
    assert torch.equal(replace(one, two, range(2, 4)), mix([one, two, one], [2, 4]))
    assert torch.equal(replace(one, two[:1], range(6)), two[:1].expand(2, 6, 4))
    assert torch.equal(replace(one, two, range(0)), one)


@pytest.mark.parametrize(
    ("crossovers", "match"),
    [
        ([], "^2 sources are mixed at 0 crossovers"),
        ([7], "^crossovers are 7; they must not fall and lie in 0 to 6"),
        ([-1], "^crossovers are -1"),
    ],
)
def test_crossovers_that_do_not_fit(crossovers: list[int], match: str) -> None:
    with pytest.raises(UserError, match=match):
        mix([styles(), styles()], crossovers)


def test_values_that_do_not_fit() -> None:
    with pytest.raises(UserError, match=r"^crossovers are 4, 2; they must not fall"):
        mix([styles(), styles(), styles()], [4, 2])
    with pytest.raises(UserError, match=r"^cutoff is 7; it must be 0 to 6"):
        truncate(styles(), W_AVG, 0.5, cutoff=7)
    with pytest.raises(UserError, match=r"^psi has shape \(5,\); give one number, or 6"):
        truncate(styles(), W_AVG, torch.ones(5))
    with pytest.raises(UserError, match=r"^rows 4 to 6 leave the 6 layers; give 0 to 5"):
        replace(styles(), styles(), range(4, 7))

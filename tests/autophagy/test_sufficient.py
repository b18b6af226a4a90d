import pytest
import torch

from simulacra import UserError
from simulacra.autophagy.loop import Loop, Truth, run
from simulacra.autophagy.moments import expected
from simulacra.autophagy.policy import Policy
from simulacra.autophagy.presets import preset
from simulacra.autophagy.sufficient import Cell, gaussian_map
from simulacra.autophagy.theory.admissibility import one_shot_error
from simulacra.generators import open_generator

SPECTRUM = (2.0, 1.0, 0.5)


@pytest.mark.parametrize(
    "name", ["fully-synthetic", "augmentation", "fresh-data", "accumulate", "weighted", "memory", "growing"]
)
@pytest.mark.parametrize("samples", [10, 40])
def test_every_generation_has_its_exact_expectation(name: str, samples: int) -> None:
    policy, replicates, generations = preset(name).policy(samples, bias=0.9), 600, 7
    (path,) = gaussian_map(
        [Cell(policy, generations)], spectrum=SPECTRUM, replicates=replicates, seed=1, watched=generations
    )
    targets = torch.tensor(expected(policy, generations)).double() * sum(SPECTRUM)
    for found, target in ((path.mean_error, targets[:, 0]), (path.trace, targets[:, 1])):
        z = (found.mean(0) - target) / (found.std(0) / replicates**0.5)
        assert float(z.abs().max()) < 4.5  # 14 skewed means of 600


def test_has_the_distribution_of_loops_that_draw_their_samples() -> None:
    policy, replicates = Policy(initial=6, fresh=2, synthetic=5, bias=0.8), 400
    (path,) = gaussian_map([Cell(policy, 4)], spectrum=SPECTRUM, replicates=replicates, seed=2)
    generator = open_generator("gaussian")
    truth = generator.with_state({"mean": torch.zeros(3), "covariance": torch.tensor(SPECTRUM).diag()})
    traces = []
    for replicate in range(replicates):
        *_, last = run(Loop(policy, generator, Truth(truth, 2 * replicate), replicate), 4)
        traces.append(float(last.model.state()["covariance"].trace()))
    one, other = path.trace[:, 0].sort().values, torch.tensor(traces).double().sort().values
    # Kolmogorov and Smirnov: two samples of 400 from one distribution differ by more with a chance of 1e-4.
    places = torch.cat([one, other])
    apart = (torch.searchsorted(one, places, right=True) - torch.searchsorted(other, places, right=True)).abs().max()
    assert float(apart) / replicates < 2.23 * (2 / replicates) ** 0.5


def test_fewer_samples_than_dimensions_make_singular_models() -> None:
    (path,) = gaussian_map([Cell(Policy(initial=4, synthetic=4), 3)], spectrum=[1.0] * 6, replicates=300, seed=0)
    assert torch.isfinite(path.wasserstein).all()
    error = float(path.trace.std()) / 300**0.5
    assert abs(float(path.trace.mean()) - 6) < 4 * error


def test_the_distance_is_the_one_shot_error_in_generation_1() -> None:
    (path,) = gaussian_map([Cell(Policy(initial=2000, synthetic=1), 1)], spectrum=SPECTRUM, replicates=400, seed=3)
    target = one_shot_error(2000, SPECTRUM)
    # Four standard errors and the next order, which is 1 / n of it times a number near 1.
    assert abs(float(path.wasserstein.mean()) - target) < 4 * float(path.wasserstein.std()) / 20 + 2 * target / 2000


def test_a_cell_does_not_depend_on_its_neighbours() -> None:
    cells = [Cell(Policy(initial=10, synthetic=10, bias=bias), 3) for bias in (1.0, 0.5)]
    both = gaussian_map(cells, spectrum=SPECTRUM, replicates=5, seed=4)
    (alone,) = gaussian_map(cells[1:], spectrum=SPECTRUM, replicates=5, seed=4)
    assert torch.equal(both[1].wasserstein, alone.wasserstein)
    (fewer,) = gaussian_map(cells[1:], spectrum=SPECTRUM, replicates=2, seed=4)
    assert torch.allclose(fewer.wasserstein, alone.wasserstein[:2], rtol=1e-9)  # batched products may round otherwise


@pytest.mark.parametrize("name", ["curated", "verified", "self-correcting", "accumulate-subsample"])
def test_refuses_what_single_samples_do(name: str) -> None:
    with pytest.raises(UserError, match="acts on single samples"):
        gaussian_map([Cell(preset(name).policy(10), 3)], spectrum=SPECTRUM, replicates=5, seed=0)

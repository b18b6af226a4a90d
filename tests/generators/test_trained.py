"""What the trained families share: classes, warm starts, states and the fit's own keeping."""

from pathlib import Path

import pytest
import torch

from simulacra import UserError
from simulacra.generators import Budget, Diverged, Generator, Pool, open_generator, training
from simulacra.generators.pictures import CHUNK
from simulacra.generators.streams import normals

from .pools import COLOURED, GREY

SMALL = {
    "vae": "vae:batch=4,steps=3,latent=3,channels=8",
    "ddpm": "ddpm:batch=4,steps=3,channels=8,sampling-steps=2",
}
LABELS = torch.tensor([0, 0, 0, 0, 0, 0, 2, 2, 2, 3, 3, 3])
LABELLED = Pool(GREY, labels=LABELS)


@pytest.fixture(params=SMALL.values(), ids=SMALL.keys(), scope="module")
def fitted(request: pytest.FixtureRequest) -> Generator:
    return open_generator(request.param).fit(LABELLED, seed=3)


def test_classes_are_drawn_as_often_as_the_pool_had_them(fitted: Generator) -> None:
    labels = fitted.labels(8000, seed=1)
    assert labels is not None and labels.dtype == torch.int64
    shares = torch.bincount(labels, minlength=4) / 8000
    assert float(shares[1]) == 0
    # within four standard errors of the widest share
    assert torch.allclose(shares, torch.tensor([0.5, 0, 0.25, 0.25]), atol=4 * 0.5 / 8000**0.5)
    assert torch.equal(fitted.labels(5, seed=1, first=100), labels[100:105])  # type: ignore[arg-type]


def test_classes_follow_the_weights_of_the_pool() -> None:
    pool = Pool(GREY, (LABELS == 3).double(), LABELS)
    drawn = open_generator(SMALL["vae"]).fit(pool, seed=0).labels(20, seed=0)
    assert drawn is not None and set(drawn.tolist()) == {3}


def test_a_pool_without_labels_makes_samples_without(fitted: Generator) -> None:
    assert fitted.untrained().fit(Pool(GREY), seed=0).labels(3, seed=0) is None


def test_the_class_of_a_sample_decides_it(fitted: Generator) -> None:
    # The same state with all of the shares on one class: what had it before is as it was, all else is another picture.
    state = dict(fitted.state())
    labels = fitted.labels(CHUNK, seed=5)
    assert labels is not None
    only = fitted.with_state(state | {"shares": torch.tensor([0, 0, 1, 0]).double()})
    was, now = fitted.sample(CHUNK, seed=5), only.sample(CHUNK, seed=5)
    moved = (was != now).flatten(1).any(dim=1)
    assert bool(moved[labels != 2].all())
    # In a chunk of other classes the sums are those of the same network on other neighbours: equal but for rounding.
    assert torch.allclose(was[labels == 2], now[labels == 2], atol=2.01 / 255)


def test_samples_are_pictures_of_8_bits(fitted: Generator) -> None:
    levels = fitted.sample(5, seed=0).add(1).mul(127.5)
    assert torch.allclose(levels, levels.round(), atol=1e-4)  # rounding of float32 at 255
    assert float(levels.min()) >= 0 and float(levels.max()) < 255.01


def test_samples_are_the_same_across_chunks(fitted: Generator) -> None:
    whole = fitted.sample(2 * CHUNK + 5, seed=7)
    for first, count in ((0, 1), (CHUNK - 1, 2), (CHUNK, CHUNK), (2 * CHUNK + 4, 1)):
        assert torch.equal(fitted.sample(count, seed=7, first=first), whole[first : first + count])


def test_samples_do_not_depend_on_the_number_of_threads(fitted: Generator) -> None:
    before, drawn = torch.get_num_threads(), []
    for count in (1, 2):
        torch.set_num_threads(count)
        drawn.append(fitted.sample(2 * CHUNK, seed=7))
    torch.set_num_threads(before)
    assert torch.equal(*drawn)


@pytest.mark.parametrize("kill_at", [0, 1, 2])
def test_a_killed_fit_goes_on_to_equal_bits(
    fitted: Generator, kill_at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    learn = training.Progress.learn

    def dying(self: training.Progress, *given: object) -> float:
        if self.step == kill_at:
            raise KeyboardInterrupt
        return learn(self, *given)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(training.Progress, "learn", dying)
        with pytest.raises(KeyboardInterrupt):
            fitted.untrained().fit(LABELLED, seed=3, resume=tmp_path)
    again = fitted.untrained().fit(LABELLED, seed=3, resume=tmp_path)
    for name, tensor in fitted.state().items():
        assert torch.equal(again.state()[name], tensor)


def test_a_warm_start_continues_from_the_state(fitted: Generator) -> None:
    warm = fitted.fit(LABELLED, seed=4, budget=Budget(1))
    cold = fitted.untrained().fit(LABELLED, seed=4, budget=Budget(1))

    def away(other: Generator) -> float:
        names = [name for name in fitted.state() if name.startswith("network.")]
        return sum(float((other.state()[name] - fitted.state()[name]).square().sum()) for name in names)

    # One step of Adam moves no weight by more than the rate; first weights of another seed are far away.
    weights = sum(tensor.numel() for tensor in fitted.state().values())
    assert 0 < away(warm) < weights * 1.001e-6 < away(cold)


def test_a_warm_start_keeps_classes_that_died_out(fitted: Generator) -> None:
    warm = fitted.fit(Pool(GREY[:6], labels=LABELS[:6]), seed=0, budget=Budget(1))
    assert set(warm.labels(9, seed=0).tolist()) == {0}  # type: ignore[union-attr]
    assert warm.fit(LABELLED, seed=0, budget=Budget(1)).fitted


@pytest.mark.parametrize(
    "pool", [Pool(GREY), Pool(COLOURED, labels=LABELS), Pool(GREY, labels=LABELS + 1)], ids=["labels", "size", "more"]
)
def test_refuses_to_go_on_with_a_pool_of_another_form(fitted: Generator, pool: Pool) -> None:
    with pytest.raises(UserError, match=r"the pool has pictures of shape .* start from scratch, or give a pool of the"):
        fitted.fit(pool, seed=0)


def test_refuses_a_state_that_is_not_its_own(fitted: Generator) -> None:
    state = dict(fitted.state())
    wrong = [
        {},
        {"layout": state["layout"]},
        state | {"layout": torch.tensor([3, 8, 4])},
        state | {"network.x": state["layout"]},
    ]
    for given in wrong:
        with pytest.raises(UserError, match="the state is not that of generator"):
            fitted.with_state(given)


def test_a_diverging_fit_says_so(fitted: Generator) -> None:
    rate = {"rate": 1e20}
    wild = type(fitted)(fitted.parameters.model_copy(update=rate))
    with pytest.raises(Diverged, match=r"generator .* diverged: its loss is .* give a lower rate"):
        wild.fit(LABELLED, seed=0)


def test_the_streams_of_samples_and_classes_differ() -> None:
    # A class drawn from the numbers that make the sample would tie the two: purposes keep them apart.
    vae = open_generator(SMALL["vae"]).fit(LABELLED, seed=3)
    labels = vae.labels(4000, seed=9)
    assert labels is not None
    latents = normals(4000, 3, seed=9)
    means = torch.stack([latents[labels == known].mean(0) for known in (0, 2, 3)])
    assert float(means.abs().max()) < 4.5 / 1000**0.5  # nine means of about 1,000 normal numbers or more

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from simulacra import UserError
from simulacra.generators import Budget, Pool, open_generator
from simulacra.generators.pictures import Layout
from simulacra.generators.streams import normals
from simulacra.generators.training import PARTS, Batch, initialise
from simulacra.generators.vae import VAE, Autoencoder, divergence, negative_log_likelihood

from .pools import GREY


def test_the_terms_of_the_bound_are_those_of_torchs_distributions() -> None:
    means, log_variances = normals(5, 7, seed=1), normals(5, 7, seed=2)
    posterior = Normal(means, (log_variances / 2).exp())
    expected = kl_divergence(posterior, Normal(0.0, 1.0)).sum(1)
    assert torch.allclose(divergence(means, log_variances), expected, rtol=1e-12)

    pictures, decoded = (normals(5, 192, seed=seed).reshape(5, 3, 8, 8) for seed in (3, 4))
    variance = torch.tensor(0.3).double()
    likelihood = Normal(decoded, variance.sqrt()).log_prob(pictures).flatten(1).sum(1)
    assert torch.allclose(negative_log_likelihood(pictures, decoded, variance), -likelihood, rtol=1e-12)


def test_the_loss_is_the_bound_with_beta_per_value_of_the_picture() -> None:
    family = open_generator("vae:latent=3,channels=8,beta=0.25")
    assert isinstance(family, VAE)
    layout = Layout(1, 8, 0)
    network = family.build(layout)
    initialise(network, 1)
    lesson = family.lesson(network, layout)
    drawn = lesson.draw(GREY, torch.Generator().manual_seed(0))
    means, log_variances, decoded, variance = network(GREY, None, *drawn)
    expected = (negative_log_likelihood(GREY, decoded, variance) + divergence(means, log_variances) / 4) / 64
    assert torch.equal(lesson.losses(Batch(GREY, None, drawn)), expected)
    assert float(variance.detach()) == pytest.approx(1 + (2 / 255) ** 2 / 12)  # a deviation of 1 to begin with


def test_no_pictures_are_surer_than_their_rounding() -> None:
    network = Autoencoder(Layout(1, 8, 0), latent=2, channels=8)
    with torch.no_grad():
        network.log_deviation.fill_(-1e4)
        variance = network(GREY, None, torch.zeros(12, 2))[3]
    assert float(variance) == pytest.approx((2 / 255) ** 2 / 12)  # of a number rounded to steps of 2 / 255


@pytest.mark.parametrize("side", [8, 12, 28, 64])
@pytest.mark.parametrize(("colours", "classes"), [(1, 0), (3, 4)])
def test_networks_give_pictures_of_the_form_they_take(side: int, colours: int, classes: int) -> None:
    network = Autoencoder(Layout(colours, side, classes), latent=5, channels=8)
    labels = torch.tensor([0, 3]) if classes else None
    means, log_variances, decoded, variance = network(torch.zeros(2, colours, side, side), labels, torch.zeros(2, 5))
    assert means.shape == log_variances.shape == (2, 5)
    assert decoded.shape == (2, colours, side, side)
    assert variance.shape == ()


def test_learns_two_pictures_as_often_as_each_came() -> None:
    black, striped = torch.full((1, 8, 8), -1.0), torch.linspace(-1, 1, 8).sign().expand(1, 8, 8)
    pool = Pool(torch.stack([black, striped]), torch.tensor([3.0, 1.0]))
    made = open_generator("vae:channels=8,latent=2,batch=16,rate=0.01")
    drawn = made.fit(pool, seed=1, budget=Budget(120)).sample(512, seed=2)
    away = torch.stack([(drawn - picture).abs().flatten(1).mean(1) for picture in pool.samples])
    # What so short a training reaches, of pictures one apart; latents between the two give pictures between them.
    assert float(away.amin(0).mean()) < 0.2
    # The prior is not quite filled after so few steps; equal shares would be further away, as one picture alone.
    assert abs(float((away[0] < away[1]).double().mean()) - 0.75) < 0.2


def test_lambda_multiplies_the_variance_of_the_latents() -> None:
    fitted = open_generator("vae:batch=4,steps=2,latent=3,channels=8").fit(Pool(GREY), seed=0)
    assert isinstance(fitted, VAE)
    latents = normals(64, 3, seed=4).float()
    for bias in (1.0, 0.25, 0.0):
        expected = fitted.network.decode(bias**0.5 * latents, None)
        # the root is taken in float64 there, and in float32 here
        assert torch.allclose(fitted.draw(64, None, seed=4, bias=bias, first=0), expected, atol=1e-6)
    modes = fitted.sample(9, seed=4, bias=0.0)
    assert torch.equal(modes, modes[:1].expand_as(modes))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("channels=12", "channels of generator vae is 12; it must be a multiple of 8"),
        ("beta=-1", "beta of generator vae is -1; it must be greater than or equal to 0"),
        ("latent=0", "latent of generator vae is 0; it must be greater than or equal to 1"),
        (f"batch={PARTS - 1}", f"batch of generator vae is {PARTS - 1}; it must be greater"),
        ("rate=0", "rate of generator vae is 0; it must be greater than 0"),
    ],
)
def test_refuses_parameters_outside_their_range(given: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        open_generator(f"vae:{given}")

"""Losses of both networks and what regularises them, each as a plain function of logits, pictures and styles."""

import torch
import torch.nn.functional as F
from torch import Tensor

WGAN_LAMBDA = 10.0
WGAN_DRIFT = 0.001
PATH_DECAY = 0.01
"""Weight of the newest batch in the running mean of path lengths."""


def generator_loss(loss: str, fake: Tensor) -> Tensor:
    """What the generator minimises.

    Args:
        loss: "logistic" for log(1 + exp(-D(G(z)))), the non-saturating loss of Goodfellow et al. 2014; "wgan-gp" for
            -D(G(z)) (Arjovsky et al. 2017).
        fake: logits of made pictures, shape (N, 1).
    """
    return F.softplus(-fake).mean() if loss == "logistic" else -fake.mean()


def fake_loss(loss: str, fake: Tensor) -> Tensor:
    """The discriminator's loss on made pictures, shape (N, 1) of logits."""
    return F.softplus(fake).mean() if loss == "logistic" else fake.mean()


def real_loss(loss: str, real: Tensor) -> Tensor:
    """The discriminator's loss on real pictures, shape (N, 1) of logits; WGAN's keeps logits from drifting away."""
    if loss == "logistic":
        return F.softplus(-real).mean()
    return WGAN_DRIFT * real.square().mean() - real.mean()


def r1(logits: Tensor, pictures: Tensor) -> Tensor:
    """Half the squared norm of the gradient of the raw score, a mean over pictures; times gamma it is R1.

    Args:
        logits: of real pictures, shape (N, 1).
        pictures: what they were given, shape (N, C, H, W), requiring gradients.

    Source: Mescheder, Geiger and Nowozin 2018, equation 9.
    """
    (gradient,) = torch.autograd.grad(logits.float().sum(), pictures, create_graph=True)
    return gradient.float().square().sum((1, 2, 3)).mean() / 2


def gradient_penalty(logits: Tensor, pictures: Tensor) -> Tensor:
    """The squared distance of the gradient's norm from 1, a mean over pictures between real and made ones.

    Args:
        logits: shape (N, 1).
        pictures: what they were given: mixes of real and made, requiring gradients.

    Source: Gulrajani et al. 2017, equation 3.
    """
    (gradient,) = torch.autograd.grad(logits.float().sum(), pictures, create_graph=True)
    norm = (gradient.float().square().sum((1, 2, 3)) + 1e-12).sqrt()  # the root has no slope at 0
    return (norm - 1).square().mean()


def path_lengths(pictures: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """How far each picture moves for a step in w: the norm of J^T y for normal y, over layers a root mean square.

    Args:
        pictures: made from `ws`, shape (N, C, H, W).
        ws: shape (N, layers, w_dim), requiring gradients.
        noise: y, shape (N, C, H, W), standard normal.

    Returns:
        Shape (N,), to be held near its own running mean.

    Source: Karras et al. 2020, section 3.2 and appendix B.
    """
    height, width = pictures.shape[-2:]
    moved = (pictures.float() * noise).sum() / (height * width) ** 0.5
    (gradient,) = torch.autograd.grad(moved, ws, create_graph=True)
    return gradient.float().square().sum(2).mean(1).sqrt()

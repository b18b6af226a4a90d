"""A pool for each exact family, and its specification."""

import torch

from simulacra.generators import Pool
from simulacra.generators.streams import normals

ROWS = normals(40, 3, seed=1)

POOLS = {
    "gaussian": Pool(ROWS),
    "gaussian:covariance=biased": Pool(ROWS, torch.arange(40)),
    "gaussian-mixture:components=3": Pool(torch.cat([ROWS, ROWS + 9])),
    "discrete:categories=5": Pool(torch.tensor([0, 1, 1, 3, 3, 3])),
    "linear-regression": Pool(ROWS),
    "linear-regression:noise=0.5,inputs=fresh": Pool(ROWS),
    "kernel-density": Pool(ROWS, torch.arange(40)),
}

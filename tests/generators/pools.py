"""A pool for each family, and its specification; trained networks learn for a moment only."""

import torch

from simulacra.generators import Pool
from simulacra.generators.pictures import on_grid
from simulacra.generators.streams import normals

ROWS = normals(40, 3, seed=1)
GREY = on_grid(normals(12, 64, seed=2).float().reshape(12, 1, 8, 8) / 2)
COLOURED = on_grid(normals(12, 3 * 144, seed=2).float().reshape(12, 3, 12, 12) / 2)

POOLS = {
    "gaussian": Pool(ROWS),
    "gaussian:covariance=biased": Pool(ROWS, torch.arange(40)),
    "gaussian-mixture:components=3": Pool(torch.cat([ROWS, ROWS + 9])),
    "discrete:categories=5": Pool(torch.tensor([0, 1, 1, 3, 3, 3])),
    "linear-regression": Pool(ROWS),
    "linear-regression:noise=0.5,inputs=fresh": Pool(ROWS),
    "kernel-density": Pool(ROWS, torch.arange(40)),
    "vae:batch=4,steps=2,channels=8": Pool(COLOURED, torch.arange(12)),
    "vae:batch=4,steps=2,latent=3,channels=8": Pool(GREY, labels=torch.arange(12) % 3),
    "ddpm:batch=4,steps=2,channels=8,sampling-steps=2": Pool(GREY),
}

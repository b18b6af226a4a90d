"""Generators and discriminators of the two families: what they are, how they are made, kept and called."""

from simulacra.stylegan.networks.build import build_discriminator, build_generator
from simulacra.stylegan.networks.description import Description, Layer
from simulacra.stylegan.networks.discriminator import Discriminator
from simulacra.stylegan.networks.files import digest, load_discriminator, load_generator, save_network
from simulacra.stylegan.networks.generator import Generator
from simulacra.stylegan.networks.noise import Noise
from simulacra.stylegan.networks.operations import use_operations
from simulacra.stylegan.networks.prior import latents

__all__ = [
    "Description",
    "Discriminator",
    "Generator",
    "Layer",
    "Noise",
    "build_discriminator",
    "build_generator",
    "digest",
    "latents",
    "load_discriminator",
    "load_generator",
    "save_network",
    "use_operations",
]

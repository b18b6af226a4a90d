"""A trained generator in use: pictures, the paper's figures, films, and records that make each of them again."""

from simulacra.stylegan.use.blending import Blend
from simulacra.stylegan.use.interpolation import Interpolation
from simulacra.stylegan.use.maker import Diverged, Maker, NoiseChoice
from simulacra.stylegan.use.mixing import Mixing
from simulacra.stylegan.use.mixing_stress import Mixed, mixed_pictures, stress
from simulacra.stylegan.use.noise_study import NoiseByLayer, Realisations
from simulacra.stylegan.use.opening import find_network, open_network
from simulacra.stylegan.use.pictures import Grid, Picture
from simulacra.stylegan.use.record import Record
from simulacra.stylegan.use.replaying import Replay, read_record, replay
from simulacra.stylegan.use.truncation import Truncation
from simulacra.stylegan.use.writing import FILMS, FilmWriter, write_figure, write_film, write_pictures

__all__ = [
    "FILMS",
    "Blend",
    "Diverged",
    "FilmWriter",
    "Grid",
    "Interpolation",
    "Maker",
    "Mixed",
    "Mixing",
    "NoiseByLayer",
    "NoiseChoice",
    "Picture",
    "Realisations",
    "Record",
    "Replay",
    "Truncation",
    "find_network",
    "mixed_pictures",
    "open_network",
    "read_record",
    "replay",
    "stress",
    "write_figure",
    "write_film",
    "write_pictures",
]

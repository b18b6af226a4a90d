"""The benchmark: a fixed set of pictures, copied by a list of copiers on all cores, and laid side by side."""

from simulacra.copying.benchmark.experiment import SIZE, TIMES, Benchmark, benchmark
from simulacra.copying.benchmark.picture_set import PictureSet, SetPicture, picture_set

__all__ = ["SIZE", "TIMES", "Benchmark", "PictureSet", "SetPicture", "benchmark", "picture_set"]

"""Hosted copiers: models that answer over HTTP, one picture a call, through the standard library alone.

What decides the picture stands in the specification; what belongs to the person stands in the environment: the key, the
budget, the rate of calls, the prices.
"""

from simulacra.copiers.hosted.budget import Budget
from simulacra.copiers.hosted.key import MissingKey
from simulacra.copiers.hosted.settings import Settings

__all__ = ["Budget", "MissingKey", "Settings"]

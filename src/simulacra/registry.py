"""Copiers, measures and other plugins by name: entry points, one table for the built-in and the third-party."""

import os
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from simulacra.errors import UserError, unknown

RESTRICT = "SIMULACRA_PLUGINS"
"""Environment variable: a comma-separated list of distributions whose plugins may load; unset means all."""


class Registry(Mapping[str, Any]):
    """The plugins of one kind. Listing reads metadata only; an object is imported when its name is looked up.

    A broken plugin therefore cannot break `--help` or the listing, and costs nothing until it is used.
    """

    def __init__(self, kind: str) -> None:
        """Read the entry-point group `simulacra.<kinds>`; two distributions that claim one name are an error."""
        self.kind = kind
        self._entries: dict[str, EntryPoint] = {}
        allowed = os.environ.get(RESTRICT)
        for entry in entry_points(group=f"simulacra.{plural(kind)}"):
            source = entry.dist.name if entry.dist else "?"
            if allowed is not None and source != "simulacra" and source not in allowed.split(","):
                continue
            clash = self._entries.get(entry.name)
            if clash is not None and clash.value != entry.value:
                other = clash.dist.name if clash.dist else "?"
                raise UserError(f"{kind} {entry.name!r} comes from both {other} and {source}; uninstall one of them")
            self._entries[entry.name] = entry

    def __getitem__(self, name: str) -> Any:
        """The object behind a name.

        Raises:
            UserError: no plugin has this name, or its module does not import.
        """
        if name not in self._entries:
            raise unknown(self.kind, name, self._entries)
        entry = self._entries[name]
        try:
            return entry.load()
        except (ImportError, AttributeError) as error:
            raise UserError(f"{self.kind} {name!r} does not load from {entry.value}: {error}") from error

    def __contains__(self, name: object) -> bool:
        """Whether a plugin has this name; loads nothing."""
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._entries))

    def __len__(self) -> int:
        return len(self._entries)

    def source(self, name: str) -> str:
        """The distribution and version a plugin comes from, such as `simulacra 0.1.0`."""
        dist = self._entries[name].dist
        return f"{dist.name} {dist.version}" if dist else "unknown"


def plural(kind: str) -> str:
    """The word for several of a kind, which names its entry points and its command: "copiers", "remedies"."""
    return f"{kind.removesuffix('y')}ies" if kind.endswith("y") else f"{kind}s"


@cache
def registry(kind: str) -> Registry:
    """The registry of a kind ("copier", "measure", "remedy"), read once a process."""
    return Registry(kind)

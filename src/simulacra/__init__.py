"""Simulacra: a laboratory for image models that eat their own output.

The public names are imported when first used, so that `import simulacra` and the command's help need no torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulacra.copying import CopyResult, copy, read_run
    from simulacra.errors import UserError
    from simulacra.images.open import open_picture
    from simulacra.reports import write_report

__all__ = ["CopyResult", "UserError", "copy", "open_picture", "read_run", "write_report"]

_HOMES = {
    "CopyResult": "simulacra.copying",
    "UserError": "simulacra.errors",
    "copy": "simulacra.copying",
    "open_picture": "simulacra.images.open",
    "read_run": "simulacra.copying",
    "write_report": "simulacra.reports",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'simulacra' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)

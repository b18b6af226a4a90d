"""The specification of a run: written first, never changed, and found again by the hash of what decides its results."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulacra.canonical import SCHEME, identity
from simulacra.errors import UserError
from simulacra.runs.atomic import place, writing_to
from simulacra.runs.faults import reach

SPEC = "spec.json"
HEX_DIGITS = 12
RUN_ID = re.compile(rf"[a-z0-9][a-z0-9._-]*-[0-9a-f]{{{HEX_DIGITS}}}")

_FORMAT = "simulacra-run"
_VERSION = 1


@dataclass(frozen=True)
class Spec:
    """What a run is: the part that decides its results, and the part that does not."""

    experiment: str
    label: str
    identity: str  # hash of `decides`
    decides: Mapping[str, Any]
    settings: Mapping[str, Any]
    command: str

    @classmethod
    def make(
        cls, experiment: str, label: str, decides: Mapping[str, Any], settings: Mapping[str, Any], command: str
    ) -> "Spec":
        """A specification with its identity."""
        return cls(experiment, label, spec_identity(experiment, decides), decides, settings, command)

    @property
    def run_id(self) -> str:
        """The run's name and folder: a readable label, and enough of the identity to be unique."""
        readable = re.sub(r"[^a-z0-9._-]+", "-", self.label.lower()).strip("-._")[:60]
        return f"{readable or 'run'}-{short(self.identity)}"

    def to_json(self) -> dict[str, Any]:
        """What `spec.json` holds."""
        return {
            "format": _FORMAT,
            "version": _VERSION,
            "experiment": self.experiment,
            "label": self.label,
            "id": self.identity,
            "identity": self.decides,
            "settings": self.settings,
            "command": self.command,
        }

    def write(self, folder: Path) -> None:
        """Make the run's folder with its specification.

        Raises:
            UserError: the folder cannot be written.
        """
        text = json.dumps(self.to_json(), indent=1, sort_keys=True, allow_nan=False) + "\n"
        with writing_to(folder):
            folder.mkdir(exist_ok=True)
            reach("run-made")
            place(folder / SPEC, text.encode(), "spec")


def spec_identity(experiment: str, decides: Any) -> str:
    """The identity of a run of an experiment."""
    return identity(f"{experiment}-run", decides)


def short(whole: str) -> str:
    """The hex digits of an identity that stand in a run's name."""
    return whole.removeprefix(f"{SCHEME}:")[:HEX_DIGITS]


def read_spec(folder: Path) -> dict[str, Any]:
    """What a run's `spec.json` holds, checked against its own hash and the folder's name.

    Raises:
        UserError: it cannot be read, is of a newer version, or is not the specification this folder was made for.
    """
    path = folder / SPEC
    try:
        spec = json.loads(path.read_bytes())
        version, stated, computed = spec["version"], spec["id"], spec_identity(spec["experiment"], spec["identity"])
    except OSError as error:
        raise UserError(f"{path} cannot be read ({error.strerror})") from error
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is damaged; restore it from a copy, or delete the run's folder and make the run again"
        ) from error
    if spec["format"] != _FORMAT or version > _VERSION:
        raise UserError(f"{path} is of version {version}; this simulacra reads up to {_VERSION}: install a newer one")
    if stated != computed or not folder.name.endswith(f"-{short(computed)}"):
        raise UserError(
            f"{path} was changed: it describes run {short(computed)}, but its folder was made for another; "
            "restore it from a copy, or delete the run's folder and make the run again"
        )
    result: dict[str, Any] = spec
    return result

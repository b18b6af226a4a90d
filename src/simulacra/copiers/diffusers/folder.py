"""A model's folder as diffusers saves it: which files it runs on, their digests, and how it is loaded, as data only."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import file_digest
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from pydantic import Field

from simulacra.copiers.contract import Parameters
from simulacra.errors import MissingWeights, UserError
from simulacra.extras import require

EXTRA = "diffusers"

SUFFIXES = (".json", ".safetensors", ".txt", ".model", ".jinja")
"""Of the files that decide a copy: configurations, weights, vocabularies. Nothing else in a folder is read."""

Device = Literal["auto", "cpu", "cuda", "mps"]


class FolderParameters(Parameters):
    """Where a model is and where it runs."""

    folder: Path | None = Field(
        None, description="folder of the model as diffusers saves it; with hub=true its name on the hub, OWNER/NAME"
    )
    hub: bool = Field(False, description="true: the model may be downloaded from the Hugging Face hub")
    device: Device = Field("auto", description="where it runs; auto is cuda if there is one, else cpu")


@dataclass(frozen=True)
class Folder:
    """A model's folder on this machine."""

    path: Path

    @classmethod
    def of(cls, family: str, parameters: FolderParameters, *markers: str) -> "Folder":
        """The folder that the parameters name, fetched from the hub where they allow it.

        Args:
            family: of the copier, for messages.
            parameters: as given.
            markers: where the file lies that such a folder has; the first that is there counts.

        Raises:
            MissingWeights: none is named.
            UserError: it is no such folder, or the hub does not give it.
        """
        named = parameters.folder
        if named is None:
            raise MissingWeights(f"copier {family} needs a model's folder; type {family}:folder=DIR")
        path = _from_hub(str(named)) if parameters.hub else named.expanduser()
        found = next((path / marker for marker in markers if (path / marker).is_file()), None)
        if found is None:
            hint = "" if path.is_dir() or parameters.hub else f", or {family}:folder={named},hub=true to download it"
            raise UserError(f"{named} is no folder with a {markers[0]}; give one that diffusers saved{hint}")
        return cls(found.parent)

    def config(self, marker: str) -> dict[str, Any]:
        """What a JSON file of the folder holds.

        Raises:
            UserError: it is damaged.
        """
        try:
            content = json.loads((self.path / marker).read_bytes())
        except (OSError, ValueError) as error:
            raise UserError(f"{self.path / marker} does not read as JSON; the folder may be damaged") from error
        if not isinstance(content, dict):
            raise UserError(f"{self.path / marker} holds no table; give a folder that diffusers saved")
        return content

    def digests(self) -> dict[str, str]:
        """SHA-256 (hex) of every file that decides a copy, by its path within the folder."""
        found = {}
        for path in sorted(self.path.rglob("*")):
            within = path.relative_to(self.path)
            if path.suffix in SUFFIXES and path.is_file() and not any(part.startswith(".") for part in within.parts):
                with path.open("rb") as stream:
                    found[within.as_posix()] = file_digest(stream, "sha256").hexdigest()
        return found

    def load(self, loader: str, purpose: str, **options: Any) -> Any:
        """The model, from safetensors only and without asking the network.

        Args:
            loader: name of the class of diffusers that loads it.
            purpose: what the folder should hold, for the message.
            options: passed on.

        Raises:
            UserError: it does not load, with the library's own first line.
        """
        with self.loading(purpose):
            kind = getattr(libraries(purpose), loader)
            return kind.from_pretrained(self.path, local_files_only=True, use_safetensors=True, **options)

    @contextmanager
    def loading(self, purpose: str) -> Iterator[None]:
        """Around a library's own loading: without its bars and remarks, its errors told in one sentence.

        Args:
            purpose: as of `load`.

        Raises:
            UserError: as of `load`.
        """
        with _quiet():
            try:
                yield
            except Exception as error:  # damaged folders make the readers raise almost anything
                first = next((line.strip() for line in str(error).splitlines() if line.strip()), "no reason given")
                raise UserError(
                    f"{self.path} does not load as {purpose}: {type(error).__name__}: {first[:300]}; "
                    "give a folder that diffusers saved with safe_serialization"
                ) from error


def libraries(purpose: str) -> ModuleType:
    """The module diffusers.

    Raises:
        MissingExtra: it is not installed.
    """
    return require("diffusers", EXTRA, purpose)


def versions(*names: str) -> dict[str, str]:
    """Versions of the libraries that decide a copy, for its identity."""
    return {name: version(name) for name in names}


def device_of(chosen: Device) -> str:
    """Where a model runs.

    Raises:
        UserError: this machine has no such device.
    """
    import torch

    if chosen == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there[chosen]:
        raise UserError(
            f"device is {chosen}, and torch sees none here; type device=cpu, or install a torch build for it"
        )
    return chosen


def _from_hub(name: str) -> Path:
    hub = require("huggingface_hub", EXTRA, "A model of the hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=[f"*{suffix}" for suffix in SUFFIXES]))
    except Exception as error:  # the network, the name, the terms of the model: the library has a class for each
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UserError(
            f"the hub does not give {name}: {first[:300]}; check its name, or download it by hand"
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the libraries' own bars and remarks: what matters of them is in receipts and errors."""
    logs = [import_module(f"{name}.utils.logging") for name in ("diffusers", "transformers") if find_spec(name)]
    before = [log.get_verbosity() for log in logs]
    for log in logs:
        log.set_verbosity_error()
        log.disable_progress_bar()
    try:
        yield
    finally:
        for log, verbosity in zip(logs, before, strict=True):
            log.set_verbosity(verbosity)
            log.enable_progress_bar()

"""Weights that no package carries: taken from a file or folder of the user's own, recorded by digest, read as data."""

import json
import shutil
from hashlib import file_digest
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from simulacra.errors import MissingWeights, UserError
from simulacra.extras import require
from simulacra.weights.cache import State, digest_on_disk, folder
from simulacra.weights.table import Own, own
from simulacra.weights.wheels import PARTIAL, exclusive

if TYPE_CHECKING:
    from torch import Tensor

FOLDER = "own"
"""Where the cache keeps these weights: one folder a network."""

RECORD = "taken.json"
"""In each such folder: name -> SHA-256 and bytes of what was taken."""

SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
"""Of files of weights that can be read as data."""


def take(name: str, source: str, *, hub: bool = False) -> dict[str, str]:
    """Copy the user's weights of a network into the cache; what was taken before is replaced.

    Args:
        name: entry of the table, such as "alexnet" or "clip".
        source: path of a file (`.safetensors`, `.pth`, `.pt`, `.bin`), or of a folder as transformers saves it, or as
            the entry says.
        hub: `source` is a name on the Hugging Face hub, OWNER/NAME, and may be downloaded.

    Returns:
        SHA-256 (hex) of each file taken.

    Raises:
        UserError: the table has no such entry, the source is not there or not what the entry wants, the hub does not
            give it, or the cache cannot be written.
        MissingExtra: the hub's client is not installed.
    """
    entry = own(name)
    files = _files(entry, _from_hub(entry, source) if hub else Path(source).expanduser())
    place = _place(name)
    with exclusive(folder()):
        partial = Path(mkdtemp(prefix=PARTIAL, dir=folder()))
        record: dict[str, dict[str, str | int]] = {}
        for file in files:
            shutil.copyfile(file, partial / file.name)
            with (partial / file.name).open("rb") as stream:
                digest = file_digest(stream, "sha256").hexdigest()
            record[file.name] = {"sha256": digest, "size": (partial / file.name).stat().st_size}
        (partial / RECORD).write_text(json.dumps(record, indent=1), encoding="utf-8")
        place.parent.mkdir(exist_ok=True)
        shutil.rmtree(place, ignore_errors=True)
        partial.replace(place)
    return taken_digest(name)


def taken(name: str) -> Path:
    """The file, or the folder, of a network that was taken.

    Raises:
        MissingWeights: none was, or it is damaged; the message says what to type.
        UserError: the table has no such entry.
    """
    entry = own(name)
    _refuse_unless_ready(entry, taken_state(name))
    return _place(name) if entry.is_folder else _place(name) / next(iter(_record(name)))


def taken_digest(name: str) -> dict[str, str]:
    """SHA-256 (hex) of each file of a network that was taken, computed from the disk, once a process and file.

    Raises:
        MissingWeights: none was, or it is damaged; the message says what to type.
        UserError: the table has no such entry.
    """
    entry = own(name)
    _refuse_unless_ready(entry, taken_state(name, thorough=True))
    return {file: digest for file, (digest, _) in _record(name).items()}


def taken_state(name: str, *, thorough: bool = False) -> State:
    """What the cache holds of a network of the user's own, judged by sizes, or by every byte where `thorough`."""
    own(name)
    record = _record(name)
    if not record:
        return State.MISSING
    for file, (digest, size) in record.items():
        path = _place(name) / file
        found = path.stat() if path.is_file() else None
        if found is None or found.st_size != size:
            return State.DAMAGED
        if thorough and digest_on_disk(path, found.st_mtime_ns) != digest:
            return State.DAMAGED
    return State.READY


def tensors(path: Path) -> "dict[str, Tensor]":
    """The tensors of a file of weights, in single precision, read as data: no format taken here can run code.

    Raises:
        UserError: the file is none of `SUFFIXES`, or does not read as a plain table of tensors.
    """
    import safetensors.torch
    import torch

    if path.suffix not in SUFFIXES:
        raise UserError(f"{path} is none of {', '.join(SUFFIXES)}; give a file of weights in one of these formats")
    try:
        if path.suffix == ".safetensors":
            content = safetensors.torch.load_file(path)
        else:
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file makes the readers raise almost anything
        raise UserError(f"{path} does not read as weights; it may be damaged or of another format") from error
    if not isinstance(content, dict) or not all(isinstance(value, torch.Tensor) for value in content.values()):
        raise UserError(f"{path} holds no plain table of tensors; give the file as its authors publish it")
    return {key: value.float() for key, value in content.items()}


def _files(entry: Own, source: Path) -> list[Path]:
    """What is taken of a source that is what the entry wants."""
    if not entry.is_folder:
        if not source.is_file():
            raise UserError(f"{source} is no file; give the file of {entry.name}, for example {entry.example}")
        _refuse_unless_known(entry, source)
        return [source]
    if entry.files:
        paths = []
        for names in entry.files:
            path = next((source / name for name in names if (source / name).is_file()), None)
            if path is None:
                raise UserError(f"{source} holds no {' or '.join(names)}; give {entry.example}")
            paths.append(path)
        _refuse_unless_known(entry, paths[0])
        return paths
    needed = ("config.json", "preprocessor_config.json")
    absent = [name for name in needed if not (source / name).is_file()]
    weights = sorted(source.glob("*.safetensors"))
    if absent or not weights:
        raise UserError(
            f"{source} holds no {absent[0] if absent else 'file of safetensors'}; "
            f"give a folder as transformers saves it, for example that of {entry.example}"
        )
    model_type = _model_type(source / "config.json")
    if model_type != entry.model_type:
        raise UserError(
            f"{source} is of type {model_type}, not {entry.model_type}; give a folder such as that of {entry.example}"
        )
    return [*(source / name for name in needed), *weights, *source.glob("*.safetensors.index.json")]


def _refuse_unless_known(entry: Own, file: Path) -> None:
    found = tensors(file)
    for key, shape in entry.tensors.items():
        if key not in found or list(found[key].shape) != shape:
            raise UserError(
                f"{file} is not {entry.name}: it has no {key} of {'x'.join(map(str, shape))} numbers; "
                f"give the file as its authors publish it, for example {entry.example}"
            )


def _model_type(config: Path) -> str:
    try:
        return str(json.loads(config.read_bytes())["model_type"])
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{config} names no model_type; the folder may be damaged, fetch it again") from error


def _from_hub(entry: Own, name: str) -> Path:
    if entry.model_type is None:
        kind = "a folder of several sources" if entry.is_folder else "one file"
        raise UserError(f"{entry.name} is {kind}, which --hub does not fetch; give its path")
    hub = require("huggingface_hub", "diffusers", "A model of the hub")
    try:
        return Path(hub.snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:  # the network, the name, the terms of the model: the library has a class for each
        first = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
        raise UserError(
            f"the hub does not give {name}: {first[:300]}; check its name, or download it by hand"
        ) from error


def _place(name: str) -> Path:
    return folder() / FOLDER / name


def _record(name: str) -> dict[str, tuple[str, int]]:
    """File -> digest and bytes; empty where nothing was taken."""
    try:
        text = (_place(name) / RECORD).read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return {}
    return {file: (facts["sha256"], facts["size"]) for file, facts in json.loads(text).items()}


def _refuse_unless_ready(entry: Own, state: State) -> None:
    if state is not State.READY:
        fault = "are not on this machine" if state is State.MISSING else "on this machine are damaged"
        source = "FOLDER" if entry.is_folder else "FILE"
        raise MissingWeights(
            f"the weights {entry.name} {fault}; with {entry.example} at hand, "
            f"type: simulacra weights add {entry.name} {source}"
        )

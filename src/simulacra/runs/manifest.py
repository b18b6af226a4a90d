"""The environment of a run: what was installed, on what machine, and which part of that decides bits."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from simulacra.canonical import identity

_DECIDING = ("torch", "numpy", "pillow", "ncnn", "onnxruntime", "diffusers", "transformers")
"""Packages whose version may change the bits of a copy."""
_TOLD = ("simulacra", *_DECIDING, "ai-edge-litert")


def manifest() -> dict[str, Any]:
    """The environment as it is now. It does not import torch, and holds what torch says only once that is loaded."""
    return {
        "machine": {
            "cpu": _cpu(),
            "architecture": platform.machine(),
            "system": platform.system(),
            "threads": _threads(),
            "packages": {name: number for name, number in _packages().items() if name in _DECIDING},
            "codecs": _codecs(),
            "torch": _torch_state(),
        },
        "packages": _packages(),
        "python": platform.python_version(),
        "os": platform.platform(),
        "cores": os.cpu_count(),
        "checkout": _checkout(),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine_digest(environment: Mapping[str, Any]) -> str:
    """The identity of the part of a manifest that decides the bits of a machine-dependent copy.

    Two runs under the same digest may take each other's frames. An operator's own version is part of each step's
    identity, so the version of simulacra is not in it; neither is anything that only says when or where. Take it after
    torch is loaded: what torch is set to is part of it.
    """
    return identity("machine", environment["machine"])


@cache
def _packages() -> dict[str, str]:
    found = {}
    for name in _TOLD:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


@cache
def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _threads() -> int:
    """Threads that sums are split over: torch's once it is loaded, or what it will take."""
    torch = sys.modules.get("torch")
    if torch is not None:
        return int(torch.get_num_threads())
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal():
        return int(asked)
    return usable_cores()


def usable_cores() -> int:
    """Cores of this machine that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _codecs() -> dict[str, str | None]:
    """Versions of the libraries inside Pillow that encode and decode; None for one it was built without."""
    from PIL import features

    return {name: features.version(name) for name in ("jpg", "webp", "avif", "zlib")}


def _torch_state() -> dict[str, Any] | None:
    """What torch is set to, if it is loaded."""
    torch = sys.modules.get("torch")
    if torch is None:
        return None
    return {
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "default_dtype": str(torch.get_default_dtype()).removeprefix("torch."),
        "deterministic_algorithms": torch.are_deterministic_algorithms_enabled(),
        "float32_matmul_precision": torch.get_float32_matmul_precision(),
        "mkldnn": torch.backends.mkldnn.enabled,
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
    }


@cache
def _checkout() -> dict[str, Any] | None:
    """Commit, origin and whether files differ, when the package runs from a checkout."""
    package = Path(__file__).resolve().parents[1]
    home = package.parents[1]
    if package != home / "src" / package.name or not (home / ".git").exists():
        return None  # an installed package may lie inside somebody else's checkout
    status = _git(home, "status", "--porcelain=v2", "--branch", "--untracked-files=no")
    if status is None:
        return None
    lines = status.splitlines()
    commit = next((line.split()[2] for line in lines if line.startswith("# branch.oid")), None)
    origin = _git(home, "config", "--get", "remote.origin.url")
    return {
        "commit": commit,
        "dirty": any(not line.startswith("#") for line in lines),
        "origin": without_credentials(origin.strip()) if origin else None,
    }


def without_credentials(origin: str) -> str:
    """The address of a repository without user, password, query and fragment."""
    parts = urlsplit(origin)
    if not parts.scheme or not parts.netloc:
        return origin.rpartition("@")[2]  # host:path, a user before it at most
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _git(folder: Path, *words: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "--no-optional-locks", "-C", folder, *words], capture_output=True, text=True, timeout=5, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None

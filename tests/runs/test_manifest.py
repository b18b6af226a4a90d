import json
from importlib.metadata import version

import pytest
import torch

from simulacra.runs import machine_digest, manifest
from simulacra.runs.manifest import without_credentials


def test_it_is_json_and_says_what_was_installed() -> None:
    told = json.loads(json.dumps(manifest()))
    for package in ("simulacra", "torch", "numpy", "pillow"):
        assert told["packages"][package] == version(package)
    assert told["machine"]["torch"]["default_dtype"] == "float32"
    assert told["machine"]["threads"] == torch.get_num_threads()
    assert told["started"].endswith("+00:00")


def test_the_digest_depends_on_what_decides_bits_and_on_nothing_else() -> None:
    told = manifest()
    digest = machine_digest(told)
    assert machine_digest({**told, "started": "1970", "checkout": None, "os": "another", "python": "4"}) == digest
    for key in ("cpu", "architecture", "threads", "packages", "torch"):
        assert machine_digest({**told, "machine": {**told["machine"], key: "another"}}) != digest


def test_torch_threads_change_it() -> None:
    before, threads = machine_digest(manifest()), torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    try:
        assert machine_digest(manifest()) != before
    finally:
        torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("origin", "kept"),
    [
        ("https://host.example/a/b.git", "https://host.example/a/b.git"),
        ("https://user:secret@host.example/a/b.git", "https://host.example/a/b.git"),
        ("https://token@host.example:8443/a/b?key=secret#secret", "https://host.example:8443/a/b"),
        ("ssh://git@host.example/a/b.git", "ssh://host.example/a/b.git"),
        ("git@host.example:a/b.git", "host.example:a/b.git"),
        ("user:secret@host.example:a/b.git", "host.example:a/b.git"),
        ("../elsewhere", "../elsewhere"),
    ],
)
def test_credentials_are_taken_out_of_the_origin(origin: str, kept: str) -> None:
    assert without_credentials(origin) == kept

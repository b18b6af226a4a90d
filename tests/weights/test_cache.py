import os
from pathlib import Path

import pytest

from simulacra.errors import MissingWeights
from simulacra.weights import State, digest, find, folder, get, state, verify

from .conftest import Shelf


def test_missing_weights_say_what_to_type(shelf: Shelf) -> None:
    sentence = r"^the weights toy are not on this machine; type: simulacra weights get toy$"
    with pytest.raises(MissingWeights, match=sentence):
        find("toy", "weights.bin")
    with pytest.raises(MissingWeights) as caught:
        digest("toy")
    assert caught.value.names == ("toy",)
    assert state("toy") is verify("toy") is State.MISSING


def test_present_weights_are_found_and_digested(shelf: Shelf) -> None:
    get(["toy"])
    assert find("toy", "weights.bin").read_bytes() == bytes(range(256)) * 40
    assert digest("toy") == {file.name: file.sha256 for file in shelf.network.files}
    assert digest("toy", ["graph.param"]) == {"graph.param": shelf.network.files[0].sha256}
    assert state("toy") is verify("toy") is State.READY


def test_a_file_of_another_length_is_damaged_at_a_glance(shelf: Shelf) -> None:
    get(["toy"])
    path = find("toy", "weights.bin")
    path.write_bytes(path.read_bytes()[:-1])
    assert state("toy") is State.DAMAGED
    with pytest.raises(MissingWeights, match=r"damaged; type: simulacra weights get toy$"):
        find("toy", "weights.bin")


def test_a_flipped_byte_is_found_by_reading(shelf: Shelf) -> None:
    get(["toy"])
    assert digest("toy")
    path = find("toy", "weights.bin")
    before = path.stat().st_mtime_ns
    data = bytearray(path.read_bytes())
    data[100] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(before, before))  # even when the clock says that nothing happened
    assert verify("toy") is State.DAMAGED
    with pytest.raises(MissingWeights, match="damaged"):
        digest("toy")


def test_one_damaged_file_outweighs_one_missing(shelf: Shelf) -> None:
    get(["toy"])
    find("toy", "graph.param").unlink()
    assert state("toy") is State.MISSING
    find("toy", "weights.bin").write_bytes(b"")
    assert state("toy") is State.DAMAGED


def test_the_cache_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    assert folder() == tmp_path
    monkeypatch.delenv("SIMULACRA_WEIGHTS")
    assert folder().parts[-2:] == ("simulacra", "weights")

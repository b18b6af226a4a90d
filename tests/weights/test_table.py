from pathlib import PurePosixPath

import pytest

from simulacra.errors import UserError
from simulacra.weights import network, networks

EVERY = list(networks())


@pytest.mark.parametrize("name", EVERY)
def test_every_entry_says_what_a_reader_needs(name: str) -> None:
    entry = network(name)
    for said in (entry.what, entry.licence, entry.trained_on, entry.source):
        assert said.strip()
    assert entry.size == sum(file.size for file in entry.files) > 0


@pytest.mark.parametrize("name", EVERY)
def test_wheels_are_pinned_and_hold_no_native_code(name: str) -> None:
    wheel = network(name).wheel
    assert wheel.file.endswith("py3-none-any.whl")  # py2.py3 too
    assert wheel.file.startswith(f"{wheel.package.replace('-', '_')}-{wheel.version}-")
    assert wheel.folder.endswith("/")


@pytest.mark.parametrize("name", EVERY)
def test_digests_are_whole_and_names_are_plain(name: str) -> None:
    entry = network(name)
    for digest in (entry.wheel.sha256, *(file.sha256 for file in entry.files)):
        assert len(digest) == 64
        assert set(digest) <= set("0123456789abcdef")
    for file in entry.files:
        assert PurePosixPath(file.member).name == file.member
        assert PurePosixPath(file.stored).name == file.stored


def test_equal_files_are_stored_once() -> None:
    files = [file for entry in networks().values() for file in entry.files]
    assert len({file.sha256 for file in files}) == len({file.stored for file in files})


def test_nothing_with_non_commercial_terms_comes_by_itself() -> None:
    # The 68-point shape predictor lies in the same wheel as the identity network; its training set forbids such use.
    assert not any(entry.non_commercial for entry in networks().values())
    assert not any("68" in file.member for entry in networks().values() for file in entry.files)


def test_an_unknown_name_is_told_the_near_ones() -> None:
    with pytest.raises(UserError, match=r"weights 'face-mseh' is unknown; did you mean face-mesh"):
        network("face-mseh")


def test_a_file_is_named_unless_there_is_only_one() -> None:
    assert network("ffdnet-colour").file(None).name == "ffdnet-colour.pth"
    with pytest.raises(KeyError, match=r"x4plus\.bin"):
        network("realesrgan-x4plus").file(None)

from pathlib import Path

import numpy as np
import pytest
import torch

from simulacra.copiers.ncnn_network import NcnnNetwork, ends, stretches

GRAPH = """7767517
4 5
Input                    in   0 1 start
Split                    two  1 2 start left right
Padding                  pad  1 1 left padded 0=0 1=0 2=0 3=0
Eltwise                  add  2 1 padded right sum 0=1
"""


@pytest.fixture
def doubling(tmp_path: Path) -> NcnnNetwork:
    """A graph without weights that adds a picture to itself."""
    graph, weights = tmp_path / "double.param", tmp_path / "double.bin"
    graph.write_text(GRAPH)
    weights.write_bytes(b"")
    return NcnnNetwork(graph, weights, "this test")


def test_ends_are_read_from_the_graph(tmp_path: Path) -> None:
    for text in (GRAPH, GRAPH.replace("\n", "\r\n")):  # published graphs have either line end
        (tmp_path / "graph.param").write_bytes(text.encode())
        assert ends(tmp_path / "graph.param") == ("start", "sum")


@pytest.mark.parametrize(("height", "width"), [(1, 1), (5, 7), (64, 33)])
def test_values_and_places_come_through_exactly(doubling: NcnnNetwork, height: int, width: int) -> None:
    picture = torch.rand(3, height, width, generator=torch.Generator().manual_seed(0))
    assert torch.equal(doubling(picture), picture + picture)


def test_a_cut_out_part_is_as_good_as_a_whole(doubling: NcnnNetwork) -> None:
    # Its memory is not contiguous: the copy that ncnn is given must outlive the call that made it.
    whole = torch.rand(3, 200, 200, generator=torch.Generator().manual_seed(0))
    for _ in range(20):
        part = whole[:, 3:190, 5:177]
        assert torch.equal(doubling(part), part + part)
        np.full(part.numel(), np.nan, dtype=np.float32)  # what a freed block would be filled with


def test_files_that_do_not_load_are_ours_to_mend(tmp_path: Path) -> None:
    (tmp_path / "a.param").write_text("not a graph")
    (tmp_path / "a.bin").write_bytes(b"")
    with pytest.raises(RuntimeError, match=r"ncnn does not load .*a\.param"):
        NcnnNetwork(tmp_path / "a.param", tmp_path / "a.bin", "this test")


@pytest.mark.parametrize(
    ("length", "longest", "expected"),
    [(5, 5, [(0, 5)]), (6, 5, [(0, 3), (3, 6)]), (11, 5, [(0, 3), (3, 7), (7, 11)]), (1, 9, [(0, 1)])],
)
def test_stretches_are_few_and_even(length: int, longest: int, expected: list[tuple[int, int]]) -> None:
    assert list(stretches(length, longest)) == expected

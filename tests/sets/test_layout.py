import json

import numpy as np
import pytest

from simulacra.errors import UserError
from simulacra.sets.layout import Attribute, Description, entry_name, read_description, write_description

NAMES = ("00000/img00000000.png", "00000/img00000001.png")


def test_entries_are_named_as_the_official_tools_name_them() -> None:
    assert [entry_name(index) for index in (0, 999, 1000, 123456)] == [
        "00000/img00000000.png",
        "00000/img00000999.png",
        "00001/img00001000.png",
        "00123/img00123456.png",
    ]


@pytest.mark.parametrize("labels", [np.array([3, 0]), np.array([[0.5, 1.0], [0.25, -2.0]], dtype=np.float32), None])
def test_a_description_comes_back_as_it_was_written(labels: np.ndarray | None) -> None:
    attributes = {"hair": Attribute(("short", "long"), np.array([1, 0])), "café": Attribute(("x",), np.array([0, 0]))}
    written = Description(labels, attributes, {"filter": "box", "skipped": [["a", "b"]]})
    read = read_description(write_description(NAMES, written), NAMES, "dataset.json")
    if labels is None:
        assert read.labels is None
    else:
        assert read.labels is not None
        assert np.array_equal(read.labels, labels)
    assert read.facts == written.facts
    assert list(read.attributes) == list(attributes)
    for name, attribute in attributes.items():
        assert read.attributes[name].values == attribute.values
        assert read.attributes[name].codes.tolist() == attribute.codes.tolist()


def test_labels_of_the_official_tools_are_read_by_name_with_either_slash() -> None:
    data = json.dumps({"labels": [["00000\\img00000001.png", 5], [NAMES[0], 2], ["gone.png", 9]]}).encode()
    read = read_description(data, NAMES, "dataset.json")
    assert read.labels is not None
    assert read.labels.tolist() == [2, 5]


def test_labels_that_miss_pictures_name_the_first_and_count_the_rest() -> None:
    data = json.dumps({"labels": [["a.png", 1]]}).encode()
    with pytest.raises(UserError, match=r"^the labels of dataset\.json miss b\.png, c\.png, d\.png and 2 more; "):
        read_description(data, ("a.png", "b.png", "c.png", "d.png", "e.png", "f.png"), "dataset.json")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"[1]", "is not a description of a set"),
        (b"{nonsense", "is not a description of a set"),
        (b'{"labels": [1, 2]}', "is not a description of a set"),
        (b'{"labels": [["a", 1], ["b", [1, 2]]]}', "do not fit together"),
        (b'{"labels": [["a", -1], ["b", 0]]}', "do not fit together"),
        (b'{"labels": [["a", "cat"], ["b", "dog"]]}', "do not fit together"),
        (b'{"labels": [["a", 1.5], ["b", 0.5]]}', "do not fit together"),
        (b'{"labels": null, "simulacra": {"version": 2}}', "is of version 2"),
        (b'{"labels": null, "simulacra": {"attributes": {"x": ["y"]}}}', "the attributes of dataset.json miss a, b"),
        (
            b'{"labels": null, "simulacra": {"attributes": {"x": ["y"]}, "pictures": {"a": [0], "b": [1]}}}',
            "do not fit together",
        ),
    ],
)
def test_a_description_that_cannot_be_used_is_told(content: bytes, said: str) -> None:
    with pytest.raises(UserError, match=said.replace(".", r"\.")):
        read_description(content, ("a", "b"), "dataset.json")


def test_an_attribute_counts_its_values_absent_ones_too() -> None:
    attribute = Attribute(("a", "b", "c"), np.array([2, 0, 2]))
    assert attribute.counts() == {"a": 1, "b": 0, "c": 2}
    assert attribute.take([1, 2]).counts() == {"a": 1, "b": 0, "c": 1}

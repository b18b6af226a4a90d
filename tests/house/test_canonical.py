import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulacra.canonical import canonical_json, identity

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def test_a_pinned_identity() -> None:
    # A change of this value is a change of every stored identity: raise SCHEME with it.
    spec = {"parent": None, "operator": {"family": "jpeg", "parameters": {"quality": 75, "dial": 0.1}}, "step": 1}
    assert (
        canonical_json(spec)
        == '{"operator":{"family":"jpeg","parameters":{"dial":"0.1","quality":75}},"parent":null,"step":1}'
    )
    assert identity("step", spec) == "s1:a04c735f5aa66f754120739d7372903fb179e60f011fbdda3d1143aa54836ada"


@given(values)
def test_equal_values_have_one_text_whatever_the_order_of_keys(value: object) -> None:
    text = canonical_json({"b": value, "a": value})
    assert text == canonical_json({"a": value, "b": value})
    assert canonical_json(json.loads(text)) == text


def test_kinds_do_not_collide() -> None:
    assert identity("step", {}) != identity("run", {})


def test_tuples_and_lists_are_alike_and_floats_differ_from_integers() -> None:
    assert canonical_json((1, 2)) == canonical_json([1, 2])
    assert canonical_json(1.0) != canonical_json(1)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1, 2}, object(), b"bytes"])
def test_refuses_what_has_no_canonical_form(value: object) -> None:
    with pytest.raises(ValueError):
        canonical_json({"x": value})

"""The layout of a set on the disk: pictures by name, and `dataset.json` with labels that other tools read too.

`labels` is what the official StyleGAN tools of PyTorch read: pairs of a name and either a class number or a vector, or
null. Everything else stands under the key of this project, which those tools pass over: how the pictures were made, and
attributes, which are named factors with named values such as `glasses: none, round, square`.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulacra.errors import UserError

DESCRIPTION = "dataset.json"
"""Name of the description in the root of the zip or folder."""

OWN_KEY = "simulacra"
"""Key of the description that holds what only this project reads."""

VERSION = 1
"""Of what stands under that key."""


@dataclass(frozen=True, eq=False)
class Attribute:
    """A named factor of the pictures of a set."""

    values: tuple[str, ...]
    codes: NDArray[np.int64]  # (N,), each an index into `values`

    def __post_init__(self) -> None:
        if self.codes.size and not set(np.unique(self.codes).tolist()) <= set(range(len(self.values))):
            raise ValueError(f"codes reach from {self.codes.min()} to {self.codes.max()} for {len(self.values)} values")

    def counts(self) -> dict[str, int]:
        """Pictures by value."""
        return dict(zip(self.values, np.bincount(self.codes, minlength=len(self.values)).tolist(), strict=True))

    def take(self, indices: Sequence[int]) -> "Attribute":
        """The attribute of some of the pictures, in this order."""
        return Attribute(self.values, self.codes[np.asarray(indices, dtype=np.int64)])


@dataclass(frozen=True, eq=False)
class Description:
    """What a set says about its pictures."""

    labels: NDArray[np.generic] | None = None  # (N,) int64: class numbers; (N, D) float32: vectors
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)  # source, licence, resolution, filter, ...: plain JSON


def entry_name(index: int) -> str:
    """Name of the picture at an index: a thousand pictures a folder, as the official tools write them."""
    return f"{index // 1000:05d}/img{index:08d}.png"


def write_description(names: Sequence[str], description: Description) -> bytes:
    """The bytes of `dataset.json` for pictures of these names."""
    labels = None
    if description.labels is not None:
        labels = [[name, label] for name, label in zip(names, description.labels.tolist(), strict=True)]
    own = {"version": VERSION, **description.facts}
    if description.attributes:
        columns = [attribute.codes.tolist() for attribute in description.attributes.values()]
        own["attributes"] = {name: list(attribute.values) for name, attribute in description.attributes.items()}
        own["pictures"] = {name: codes for name, *codes in zip(names, *columns, strict=True)}
    return json.dumps({"labels": labels, OWN_KEY: own}, ensure_ascii=False, separators=(",", ":")).encode()


def read_description(data: bytes, names: Sequence[str], where: str) -> Description:
    """Read `dataset.json`, for the pictures of these names and in their order.

    Args:
        data: the bytes of the file.
        names: every picture of the set; labels of others are passed over, as the official tools do.
        where: the file, for messages.

    Raises:
        UserError: it is no such file, labels miss a picture, or labels are not all of one kind.
    """
    try:
        whole = json.loads(data)
        labels, own = whole.get("labels"), dict(whole.get(OWN_KEY) or {})
        version = own.pop("version", VERSION)
        attributes, codes = own.pop("attributes", {}), own.pop("pictures", {})
        labels = None if labels is None else {name.replace("\\", "/"): label for name, label in labels}
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{where} is not a description of a set: {error}; build the set again") from error
    if version != VERSION:
        raise UserError(
            f"{where} is of version {version}, and this Simulacra reads version {VERSION}; update Simulacra"
        )
    if labels is not None:
        refuse_unlabelled(names, labels, f"the labels of {where}")
    if attributes:
        refuse_unlabelled(names, codes, f"the attributes of {where}")
    try:
        table = np.array([codes[name] for name in names], dtype=np.int64) if attributes else None
        return Description(
            labels=None if labels is None else label_array([labels[name] for name in names]),
            attributes={
                name: Attribute(tuple(values), table[:, column])  # type: ignore[index]
                for column, (name, values) in enumerate(attributes.items())
            },
            facts=own,
        )
    except (ValueError, TypeError, IndexError) as error:
        raise UserError(f"{where} holds labels that do not fit together: {error}; build the set again") from error


def label_array(labels: Sequence[Any]) -> NDArray[np.generic]:
    """Labels as the official tools take them: whole numbers are classes, sequences are vectors.

    Raises:
        ValueError: they are neither all whole numbers of 0 or more nor all vectors of one length.
    """
    array = np.array(labels)
    if array.ndim == 1 and array.dtype.kind in "iu" and array.min() >= 0:
        return array.astype(np.int64)
    if array.ndim == 2 and array.dtype.kind in "iuf" and np.isfinite(array).all():
        return array.astype(np.float32)
    raise ValueError("a label is a class number of 0 or more, or a vector of as many numbers as all the others")


def refuse_unlabelled(names: Sequence[str], labelled: Mapping[str, Any], what: str) -> None:
    """Refuse labels that miss a picture.

    Raises:
        UserError: names the first of them, and how many there are.
    """
    missed = [name for name in names if name not in labelled]
    if missed:
        more = f" and {len(missed) - 3} more" if len(missed) > 3 else ""
        raise UserError(
            f"{what} miss {', '.join(missed[:3])}{more}; a label for every picture, or for none, is what can be used"
        )

"""What a person types for seeds, psi, noise and layers, read and checked against a network."""

import re
from math import isfinite

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description
from simulacra.stylegan.networks.description import GROUPS
from simulacra.stylegan.use.maker import NoiseChoice

MOST_SEEDS = 1_000_000
"""In one list; more is a slip of the hand."""

_NOISE: dict[str, NoiseChoice] = {"seed": "seed", "stored": "stored", "none": "none"}

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")


def seeds(text: str) -> tuple[int, ...]:
    """Seeds in the order they are named: `0-99,7` is 0 to 99, then 7.

    Raises:
        UserError: a part is no whole number and no rising range, or there are too many.
    """
    chosen: list[int] = []
    for part in text.split(","):
        ends = _range(part)
        if ends is None:
            raise UserError(f"{part!r} in the seeds {text!r} is no seed; write whole numbers and ranges, as in 0-99,7")
        first, last = ends
        if len(chosen) + last - first >= MOST_SEEDS:
            raise UserError(f"{text!r} names more than {MOST_SEEDS:,} seeds; make the pictures in several runs")
        chosen += range(first, last + 1)
    return tuple(chosen)


def numbers(option: str, text: str) -> tuple[float, ...]:
    """Finite numbers separated by commas, such as the psi of a sweep.

    Raises:
        UserError: a part is no finite number.
    """
    values = []
    for part in text.split(","):
        try:
            value = float(part)
        except ValueError:
            value = float("nan")
        if not isfinite(value):
            raise UserError(f"{part!r} in {option} {text!r} is no finite number; write numbers as in 1,0.5,-0.5")
        values.append(value)
    return tuple(values)


def noise(text: str) -> NoiseChoice:
    """Where noise comes from: `seed`, `stored`, `none`, or a whole number, the noise seed of all pictures.

    Raises:
        UserError: it is none of these.
    """
    if text in _NOISE:
        return _NOISE[text]
    if text.isdecimal():
        return int(text)
    raise UserError(f"--noise is {text!r}; it must be seed, stored, none, or a whole number, one noise seed for all")


def layers(description: Description, text: str) -> range:
    """Rows of the styles that a name or range stands for: `all`, `coarse`, `middle`, `fine`, `4-7`, `3`.

    Raises:
        UserError: the network has no such layers.
    """
    count = len(description.layers)
    if text == "all":
        return range(count)
    if text in GROUPS:
        if rows := description.group(text):
            return rows
        raise UserError(f"this network has no {text} layers; it has {_groups(description)}")
    ends = _range(text)
    if ends is None or ends[1] >= count:
        raise UserError(
            f"layers are {text!r}; this network has {_groups(description)}; name a group, or rows as in 2-5"
        )
    return range(ends[0], ends[1] + 1)


def groups(description: Description) -> dict[str, range]:
    """The groups of layers that a network has, coarsest first."""
    return {name: description.group(name) for name in GROUPS if description.group(name)}


def caption(text: str) -> str:
    """What a sheet calls the layers that a person typed: a group by its name, rows as `layers 2-5`."""
    return text if text.isalpha() else f"layers {text}"


def words(rows: range) -> str:
    """Rows as they are typed: `4-7`, or `3` for one."""
    return f"{rows[0]}-{rows[-1]}" if len(rows) > 1 else str(rows[0])


def _groups(description: Description) -> str:
    return ", ".join(f"{name} ({words(rows)})" for name, rows in groups(description).items())


def _range(text: str) -> tuple[int, int] | None:
    match = _RANGE.fullmatch(text.strip())
    if match is None:
        return None
    first = int(match[1])
    last = first if match[2] is None else int(match[2])
    return (first, last) if first <= last else None

"""All measures of two sets at once, each with its name, counts, features, seed and floor."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, fields

from torch import Tensor

from simulacra.errors import UserError, unknown
from simulacra.measures.contract import Undefined, Value
from simulacra.measures.of_sets import frechet, kernel, nulls
from simulacra.measures.of_sets import neighbours as nearest
from simulacra.measures.of_sets.contract import SetMeasure, SetValue, checked, value_name
from simulacra.measures.of_sets.features import Features

NEIGHBOURS = tuple(field.name for field in fields(nearest.Neighbours))

MEASURES = ("frechet", "kernel", *NEIGHBOURS)
"""What `compare` can measure, in its order."""


@dataclass(frozen=True)
class Protocol:
    """What must be equal for two values to be comparable, besides features and counts.

    All but the seed shows in the names; a value carries its seed beside its name.
    """

    neighbours: int = 5  # k of precision, recall, density and coverage
    ball: nearest.Ball = "closed"
    subsets: int = 0  # of the kernel distance; 0 means all pairs at once
    subset_size: int = 1000
    seed: int = 0  # of the subsets


def compare(
    *,
    real: Tensor,
    generated: Tensor,
    features: Features,
    measures: Collection[str] = MEASURES,
    protocol: Protocol | None = None,
) -> list[SetValue]:
    """Measure a generated set against a real one.

    Args:
        real: features of the real pictures, shape (N, D), from `features.extract`.
        generated: features of the generated pictures, shape (M, D).
        features: what extracted them.
        measures: which, of `MEASURES`; precision, recall, density and coverage cost the same together as one alone.
        protocol: None means the default one.

    Returns:
        One value a measure, in the order of `MEASURES`; undefined where a set has too few pictures for it.

    Raises:
        UserError: a measure is unknown, or the numbers are not what these features give.
    """
    protocol = protocol or Protocol()
    for name in measures:
        if name not in MEASURES:
            raise unknown("set measure", name, MEASURES)
    checked(real=real, generated=generated)
    if real.shape[1] != features.length:
        raise UserError(
            f"the features {features.name} have {features.length} numbers a picture, and these have {real.shape[1]}; "
            "extract them again"
        )
    return [
        SetValue(
            name=value_name(measure.stem, features.name, len(real), len(generated)),
            value=value,
            better=measure.better,
            real=len(real),
            generated=len(generated),
            features=features.identity,
            seed=protocol.seed if deviation is not None else None,
            deviation=deviation,
            floor=floor,
        )
        for measure, value, deviation, floor in _values(real, generated, frozenset(measures), protocol)
    ]


def _values(
    real: Tensor, generated: Tensor, wanted: frozenset[str], protocol: Protocol
) -> Iterator[tuple[SetMeasure, Value, float | None, Value | None]]:
    if "frechet" in wanted:
        one = frechet.moments(real)
        distance = frechet.frechet_from_moments(one, frechet.moments(generated))
        floor = frechet.expected_frechet(one, real=len(real), generated=len(generated))
        yield frechet.MEASURE, distance, None, floor
    if "kernel" in wanted:
        yield _kernel(real, generated, protocol)
    if wanted.intersection(NEIGHBOURS):
        yield from _neighbours(real, generated, wanted, protocol)


def _kernel(real: Tensor, generated: Tensor, protocol: Protocol) -> tuple[SetMeasure, Value, float | None, Value]:
    if not protocol.subsets:
        return kernel.MEASURE, kernel.kernel_distance(real=real, generated=generated), None, kernel.EXPECTED
    measure = kernel.subsets_measure(protocol.subsets, protocol.subset_size)
    fewest = min(len(real), len(generated))
    if fewest < protocol.subset_size:
        few = Undefined(f"a set has {fewest} pictures, and a subset needs {protocol.subset_size}")
        return measure, few, None, kernel.EXPECTED
    drawn = kernel.kernel_distance_of_subsets(
        real=real, generated=generated, seed=protocol.seed, subsets=protocol.subsets, size=protocol.subset_size
    )
    return measure, drawn.mean, drawn.deviation, kernel.EXPECTED


def _neighbours(
    real: Tensor, generated: Tensor, wanted: frozenset[str], protocol: Protocol
) -> Iterator[tuple[SetMeasure, Value, None, Value | None]]:
    count = protocol.neighbours
    about = nearest.measures(count, protocol.ball)
    kept = [name for name in NEIGHBOURS if name in wanted]
    fewest = min(len(real), len(generated))
    if fewest <= count:
        few = Undefined(f"a set has {fewest} pictures, and {count} nearest neighbours need {count + 1}")
        yield from ((about[name], few, None, None) for name in kept)
        return
    four = nearest.precision_recall_density_coverage(
        real=real, generated=generated, neighbours=count, ball=protocol.ball
    )
    floors = {
        "density": nulls.EXPECTED_DENSITY,
        "coverage": nulls.expected_coverage(real=len(real), generated=len(generated), neighbours=count),
    }
    for name in kept:
        yield about[name], getattr(four, name), None, floors.get(name)

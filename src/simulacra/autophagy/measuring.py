"""What is measured of every generation: its samples against real ones that no generation ever trains on.

The reference is measured once: its moments, its neighbour balls, and what as many real samples score against it. Each
generation then costs its own features, its own balls, and the distances across.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import torch
from torch import Tensor

from simulacra.autophagy.floors import DEALS, Deals, Floor, Kind
from simulacra.autophagy.record import Measured, Reading, Reference
from simulacra.autophagy.shapes import Axes, Bins, spectrum
from simulacra.errors import UserError
from simulacra.measures.contract import Undefined
from simulacra.measures.of_sets import frechet, kernel, nulls
from simulacra.measures.of_sets.classes import checked_labels, effective_classes, recall_by_class
from simulacra.measures.of_sets.contract import checked
from simulacra.measures.of_sets.distances import Inside, Integers, inside, nearest_squared
from simulacra.measures.of_sets.divisions import Divisions
from simulacra.measures.of_sets.features import Features
from simulacra.measures.of_sets.memorisation import Training, from_nearest, nearest
from simulacra.measures.of_sets.neighbours import from_inside
from simulacra.measures.of_sets.vendi import vendi_score
from simulacra.measures.of_sets.wasserstein import squared_wasserstein
from simulacra.seeds import derive_seed

PROTOCOL = 1
"""Raised whenever the same samples would be measured as other numbers: a stored measurement is known by it."""

NEIGHBOURS = 5
"""k of precision, recall, density and coverage, as in the paper on MAD."""

NUMBERS = "numbers"
"""What the features of rows are called, which are the rows themselves."""

READINGS = {
    "precision": Kind.SHARE,
    "recall": Kind.SHARE,
    "density": Kind.POSITIVE,
    "coverage": Kind.SHARE,
    "frechet": Kind.SQUARE,
    "kernel": Kind.SIGNED,
    "wasserstein": Kind.SQUARE,  # rows of one number
    "shift": Kind.SQUARE,
    "spread": Kind.POSITIVE,
    "vendi": Kind.POSITIVE,
    "classes": Kind.POSITIVE,  # where the reference has labels
    "agreement": Kind.SHARE,  # where the generator too knows classes
    "authenticity": Kind.SHARE,  # where the pool holds real samples
    "nearest": Kind.POSITIVE,  # the same
}
"""What may be measured of a generation, in the order it is shown."""

_LEAST = 2 * (NEIGHBOURS + 1)
"""Samples on each side: neighbours for both halves of the reference."""

_POOL = 1000
"""Samples of the reference that floors are drawn from at most: a second's work."""

_DIVERSE = 250
"""Samples whose Vendi score is taken at most; its cost is their cube."""


@dataclass(frozen=True)
class _Samples:
    """One side of a comparison."""

    rows: Tensor  # (N, D)
    moments: frechet.Moments
    labels: Tensor | None  # (N,): of the reference as given, of samples as found


@dataclass(frozen=True)
class _Learnt:
    """The real samples of a pool, and what the reference scores against them: new real samples, as far as they go."""

    samples: Tensor
    training: Training
    floors: dict[str, Floor]


class Meter:
    """Measures generations, all with one protocol and against one set of real samples."""

    def __init__(
        self,
        reference: Tensor,
        *,
        features: Features | None,
        labels: Tensor | None = None,
        names: Sequence[str] = (),
        seed: int,
        count: int,
    ) -> None:
        """Measure the reference, once for all generations.

        Args:
            reference: real samples that no generation ever trains on: rows (R, D), or pictures (R, 1 or 3, H, W) in
                [-1, 1]. R is 12 or more.
            features: what pictures are compared in; None for rows of numbers, which are their own features.
            labels: class of each real sample, shape (R,), int64; None where they have none.
            names: of the classes, in their order; empty for their numbers.
            seed: of the resampling behind floors and bands.
            count: samples measured in each generation, 12 or more.

        Raises:
            UserError: the samples or labels are not of this form, there are too few, or all are equal.
        """
        if min(len(reference), count) < _LEAST:
            raise UserError(
                f"the reference holds {len(reference)} samples, and {count} of each generation are measured; both must "
                f"be {_LEAST} or more, so set more real samples apart"
            )
        self._features, self._seed, self._count = features, seed, count
        if labels is not None:
            checked_labels(labels, len(reference), names)
        rows = self._embedded(reference)
        self._real = _Samples(rows, frechet.moments(rows), labels)
        if self._real.moments.trace == 0:
            raise UserError(
                "the reference samples are all equal, and nothing can be measured against them; give others"
            )
        self._names = tuple(names) or tuple(map(str, range(0 if labels is None else int(labels.max()) + 1)))
        own = features is not None and labels is not None and features.classes == self._names
        self._classifier = features if own else None  # of classes by other names it knows nothing
        self._radii = nearest_squared(rows, NEIGHBOURS)[:, -1]
        self._bandwidth = sqrt(self._real.moments.trace / 2)  # half the root of the mean square distance of two samples
        self._axes, self._bins = Axes.of(rows), Bins.of(rows)
        pool = min(len(rows), _POOL)
        self._deals = Deals.of(pool, reference=len(rows), count=count, seed=seed)
        dealt, diverse = self._deals.stand_in, min(self._deals.stand_in, _DIVERSE)
        # Vendi score and classes depend on the count; they are taken of as many samples of a generation as of a deal.
        self._alone = {"vendi": (diverse, diverse), "classes": (dealt, dealt), "agreement": (dealt, count)}
        self._floors = self._exact(self._dealt(pool))
        self._learnt: _Learnt | None = None
        self.reference = Reference(
            features=NUMBERS if features is None else features.name,
            count=len(reference),
            spectrum=spectrum(self._real.moments),
            projection=self._axes.places(rows),
            edges=self._bins.edges,
            histogram=self._bins.density(rows),
        )

    def measure(self, samples: Tensor, *, learnt: Tensor, labels: Tensor | None = None) -> Measured:
        """Measure one generation.

        Args:
            samples: of it, as many as `count`, of the reference's form.
            learnt: the real samples of its pool, which it may have memorised; fewer than two are not looked at.
            labels: the classes its samples were made as, shape (count,), int64; None where it knows none.

        Returns:
            The readings of `READINGS` that apply, each with its floor and band where they are known.

        Raises:
            UserError: the samples or labels are not of this form, or a number is not finite.
        """
        if len(samples) != self._count:
            raise UserError(f"there are {len(samples)} samples, and {self._count} of each generation are measured")
        if labels is not None:
            checked_labels(labels, len(samples))
        rows = self._embedded(samples)
        checked(real=self._real.rows, generated=rows)
        held = inside(
            real=self._real.rows,
            generated=rows,
            real_radii=self._radii,
            generated_radii=nearest_squared(rows, NEIGHBOURS)[:, -1],
            closed=True,
        )
        made = _Samples(rows, frechet.moments(rows), self._classes(rows))
        values, floors = self._values(self._real, made, held, labels), self._floors
        if len(learnt) > 1:
            known = self._known(learnt)
            memorised = from_nearest(known.training, *nearest(rows, among=known.training.features))
            values |= {"authenticity": memorised.authenticity}
            if not isinstance(memorised.nearest, Undefined):
                values["nearest"] = memorised.nearest
            floors = floors | known.floors
        modes = {name: values[_mode(name)] for name in self._names if _mode(name) in values}
        return Measured(
            readings={name: _reading(values[name], floors.get(name)) for name in READINGS if name in values},
            modes={name: _reading(value, floors.get(_mode(name))) for name, value in modes.items()},
            spectrum=spectrum(made.moments),
            projection=self._axes.places(rows),
            histogram=self._bins.density(rows),
        )

    def _embedded(self, samples: Tensor) -> Tensor:
        """Rows of numbers as they are; pictures as their features, on the grid of 256 levels as files hold them."""
        if self._features is None:
            if samples.ndim != 2 or not samples.is_floating_point():
                raise UserError(
                    f"the samples are {samples.dtype} of shape {tuple(samples.shape)}, and without features they must "
                    "be rows of numbers (N, D); for pictures name features, such as pixels"
                )
            return samples.detach().cpu().double()
        if samples.ndim != 4 or samples.shape[1] not in (1, 3) or samples.dtype != torch.float32:
            raise UserError(
                f"the samples are {samples.dtype} of shape {tuple(samples.shape)}, and the features "
                f"{self._features.name} are of pictures: float32 of shape (N, 1 or 3, H, W)"
            )
        low, high = (float(end) for end in samples.aminmax())
        if not (low >= -1 and high <= 1):
            raise UserError(f"the samples reach from {low:g} to {high:g}; pictures of a loop must lie in [-1, 1]")
        levels = ((samples.detach().cpu() + 1) * 127.5).round() / 255
        return self._features.extract(levels.expand(-1, 3, -1, -1))

    def _values(self, real: _Samples, made: _Samples, held: Inside, told: Tensor | None) -> dict[str, float]:
        """All that is measured of one side against the other, but for memorisation; recall of a mode by `_mode`."""
        values = dict(vars(from_inside(held, NEIGHBOURS)))
        values["frechet"] = frechet.frechet_from_moments(real.moments, made.moments)
        values["kernel"] = kernel.kernel_distance(real=real.rows, generated=made.rows)
        if real.rows.shape[1] == 1:
            values["wasserstein"] = squared_wasserstein(real=real.rows, generated=made.rows)
        values["shift"] = float((real.moments.mean - made.moments.mean).square().sum()) / real.moments.trace
        values["spread"] = made.moments.trace / real.moments.trace
        values["vendi"] = vendi_score(
            made.rows[: self._alone["vendi"][1]], kernel="gaussian", bandwidth=self._bandwidth
        )
        if real.labels is not None and made.labels is not None:
            values["classes"] = effective_classes(made.labels[: self._alone["classes"][1]])
            recalls = recall_by_class(held.real_covered, real.labels, len(self._names))
            values |= {_mode(name): each for name, each in zip(self._names, recalls, strict=True) if each is not None}
            if told is not None:
                values["agreement"] = float((made.labels == told).double().mean())
        return values

    def _classes(self, rows: Tensor) -> Tensor | None:
        """The class of each sample: as the features' own classifier says, elsewhere that of the nearest real sample."""
        if self._real.labels is None:
            return None
        if self._classifier is not None:
            return self._classifier.probabilities(rows).argmax(1)
        return self._real.labels[torch.from_numpy(nearest(rows, among=self._real.rows)[0])]

    def _dealt(self, pool: int) -> dict[str, Floor]:
        """Floors from deals of the reference."""
        generator = torch.Generator().manual_seed(derive_seed(self._seed, "meter-pool"))
        chosen = torch.randperm(len(self._real.rows), generator=generator)[:pool]
        rows, labels = self._real.rows[chosen], None if self._real.labels is None else self._real.labels[chosen]
        divisions = Divisions(rows)
        seen = None if self._classifier is None else self._classifier.probabilities(rows).argmax(1)

        def measured(real: Integers, made: Integers) -> dict[str, float]:
            held = divisions.inside(real=real, generated=made, neighbours=NEIGHBOURS)
            found = told = None
            if labels is not None:
                told = labels[made]
                found = seen[made] if seen is not None else labels[real][divisions.nearest(real=real, generated=made)]
            sides = [
                _Samples(rows[places], frechet.moments(rows[places]), classes)
                for places, classes in ((real, None if labels is None else labels[real]), (made, found))
            ]
            return self._values(sides[0], sides[1], held, told)

        kinds = READINGS | {_mode(name): Kind.SHARE for name in self._names}
        return self._deals.floors(measured, kinds, self._alone)

    def _exact(self, floors: dict[str, Floor]) -> dict[str, Floor]:
        """The same floors with their means as closed forms give them, where these hold."""
        real, count = len(self._real.rows), self._count
        means: dict[str, float] = {"kernel": kernel.EXPECTED, "shift": 1 / real + 1 / count, "spread": 1.0}
        unknown = set()
        if bool((self._radii > 0).all()):
            means["density"] = nulls.EXPECTED_DENSITY
            means["coverage"] = nulls.expected_coverage(real=real, generated=count, neighbours=NEIGHBOURS)
        else:  # where samples repeat, closed balls hold more than that, and the more the more samples there are
            unknown.add("density")
        expected = frechet.expected_frechet(self._real.moments, real=real, generated=count)
        if isinstance(expected, Undefined) or min(self._deals.held, self._deals.stand_in) <= self._real.rows.shape[1]:
            unknown.add("frechet")
        else:
            means["frechet"] = expected
        floors = {name: floor for name, floor in floors.items() if name not in unknown}
        return floors | {name: replace(floors[name], mean=mean) for name, mean in means.items()}

    def _known(self, learnt: Tensor) -> _Learnt:
        """What is known of the real samples of a pool; a fixed set is looked at once."""
        if self._learnt is not None and torch.equal(self._learnt.samples, learnt):
            return self._learnt
        training = Training(self._embedded(learnt))
        places, squared = nearest(self._real.rows, among=training.features)
        expected = from_nearest(training, places, squared)
        real, count, share = len(squared), self._count, expected.authenticity
        floors = {
            "authenticity": Floor(share, sqrt(share * (1 - share) * (1 / real + 1 / count)), READINGS["authenticity"])
        }
        if not isinstance(expected.nearest, Undefined):
            drawn = []
            for index in range(DEALS):
                generator = torch.Generator().manual_seed(derive_seed(self._seed, "meter-nearest", index))
                chosen = torch.randint(real, (count,), generator=generator).numpy()
                drawn.append(float(np.median(np.sqrt(squared[chosen]))))
            own = float(np.std(drawn, ddof=1)) / float(np.median(np.sqrt(training.apart)))
            # 1/M of the draws becomes 1/M + 1/R: the reference is a draw too
            floors["nearest"] = Floor(expected.nearest, own * sqrt(1 + count / real), READINGS["nearest"])
        self._learnt = _Learnt(learnt, training, floors)
        return self._learnt


def _mode(name: str) -> str:
    return f"recall of {name}"


def _reading(value: float, floor: Floor | None) -> Reading:
    return Reading(value=value, floor=None, low=None, high=None) if floor is None else floor.reading(value)

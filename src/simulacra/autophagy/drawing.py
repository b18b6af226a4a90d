"""From recipe to pool: real samples taken, synthetic ones drawn, curated, verified and corrected."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import numpy as np
import torch
from torch import Tensor

from simulacra.autophagy.lineage import Recipe, Segment
from simulacra.autophagy.real import Real, Truth
from simulacra.errors import UserError
from simulacra.generators import Generator, Pool
from simulacra.generators.streams import uniforms
from simulacra.seeds import derive_seed

_TRIES = 1000
"""Candidates drawn for each sample that a verifier must accept, before it is held to accept none."""


@dataclass(frozen=True)
class Judges:
    """What a policy that selects needs from outside; None where it selects nothing of the kind."""

    reward: Callable[[Tensor], Tensor] | None = None
    """From samples (N, ...) to rewards (N,); a candidate is chosen with the softmax of its reward."""
    accepts: Callable[[Tensor], Tensor] | None = None
    """From samples (N, ...) to booleans (N,)."""


@dataclass(frozen=True)
class Drawn:
    """The samples of a segment."""

    samples: Tensor
    labels: Tensor | None  # (N,), int64
    places: Tensor | None = None  # (N,), int64, in the model's stream; None where they are 0, 1, 2, ...


def draw(
    segment: Segment,
    *,
    real: Real,
    model: Callable[[int], Generator],
    judges: Judges,
    places: Tensor | None = None,
) -> Drawn:
    """The samples of a segment.

    Args:
        segment: what to draw.
        real: where real samples come from.
        model: gives the model of a generation.
        judges: what chooses, where the segment's samples are chosen.
        places: what they chose when the segment was first drawn; then they are not asked.

    Raises:
        UserError: a set of real samples runs out, a verifier accepts nothing, or a correction has no distribution to
            draw from.
    """
    if not segment.model:
        return Drawn(real.take(segment.count, segment.first), real.labels(segment.count, segment.first))
    stream = _Stream(model(segment.model), stream_seed(segment), segment)
    if not segment.selected:
        samples, labels = stream.candidates(segment.count, 0)
    else:
        if places is None:
            places = _verified(stream, judges) if segment.verified else _curated(stream, judges, 0)[1]
        samples, labels = stream.at(places)
    if segment.correction:
        samples, labels = _corrected(segment, real, samples, labels)
    return Drawn(samples, labels, places)


def stream_seed(segment: Segment) -> int:
    """The seed of the model's streams that a segment is drawn from."""
    back = segment.generation - 1 - segment.model
    return derive_seed(segment.seed or 0, "autophagy-synthetic", segment.generation, back)


def correction_seed(segment: Segment) -> int:
    """The seed of the true distribution's stream that an ideal correction takes its samples from."""
    return derive_seed(segment.seed or 0, "autophagy-corrected", segment.generation)


def corrected(segment: Segment) -> Tensor:
    """Which samples of a segment an ideal correction replaces, shape (count,), booleans."""
    seed = derive_seed(segment.seed or 0, "autophagy-correction", segment.generation)
    return uniforms(segment.count, 1, seed=seed, first=segment.first)[:, 0] < segment.moved


def subsampled(recipe: Recipe) -> Tensor | None:
    """Which of all samples of a recipe its pool holds, in order, int64; None: all."""
    if recipe.subsample is None:
        return None
    seed = derive_seed(recipe.seed, "autophagy-subsample", recipe.generation)
    order = uniforms(recipe.counts.total, 1, seed=seed)[:, 0].argsort()
    return order[: recipe.subsample].sort().values


def assemble(recipe: Recipe, parts: Sequence[Drawn]) -> Pool:
    """The pool of a recipe.

    Args:
        recipe: what it is made of.
        parts: the samples of each of its segments.

    Raises:
        UserError: a sample is not finite.
    """
    samples = torch.cat([part.samples for part in parts])
    known = [part.labels for part in parts if part.labels is not None]
    labels = torch.cat(known) if len(known) == len(parts) else None
    chosen = subsampled(recipe)
    if chosen is not None:
        return Pool(samples[chosen], None, None if labels is None else labels[chosen])
    if recipe.real_weight is None or not recipe.models:
        return Pool(samples, None, labels)
    each = [
        torch.full((segment.count,), share / segment.count, dtype=torch.float64)
        for segment, share in zip(recipe.segments, recipe.weights(), strict=True)
    ]
    return Pool(samples, torch.cat(each), labels)


def pool_digest(pool: Pool) -> str:
    """SHA-256 over what a pool holds: equal pools, and only these, have equal digests."""
    digest = sha256()
    for tensor in (pool.samples, pool.weights, pool.labels):
        digest.update(b"none" if tensor is None else f"{tensor.dtype} {tuple(tensor.shape)} ".encode())
        if tensor is not None:
            digest.update(np.ascontiguousarray(tensor.cpu().numpy()).data)
    return digest.hexdigest()


@dataclass(frozen=True)
class _Stream:
    """The samples a model could give to a segment."""

    model: Generator
    seed: int
    segment: Segment

    def candidates(self, count: int, first: int) -> tuple[Tensor, Tensor | None]:
        drawn = self.model.sample(count, seed=self.seed, bias=self.segment.bias, first=first)
        return drawn, self.model.labels(count, seed=self.seed, first=first)

    def at(self, places: Tensor) -> tuple[Tensor, Tensor | None]:
        """The samples at these places."""
        samples, labels = self.candidates(int(places.max()) + 1, 0)
        return samples[places], None if labels is None else labels[places]


def _verified(stream: _Stream, judges: Judges) -> Tensor:
    """Places of the samples that the verifier accepts, among those that curation chose."""
    if judges.accepts is None:
        raise UserError("the policy verifies its samples, and there is no verifier; give one")
    count = stream.segment.count
    accepted: list[Tensor] = []
    found = tried = 0
    while found < count:
        if tried >= _TRIES * count:
            raise UserError(
                f"the verifier accepted {found} of {tried} samples, and {count} are needed; it is too strict for this "
                "generator: loosen it"
            )
        batch, places = _curated(stream, judges, tried)
        accepted.append(places[judges.accepts(batch)])
        found, tried = found + len(accepted[-1]), tried + count
    return torch.cat(accepted)[:count]


def _curated(stream: _Stream, judges: Judges, first: int) -> tuple[Tensor, Tensor]:
    """As many samples as the segment has, each chosen from several candidates, and their places."""
    count, candidates = stream.segment.count, stream.segment.best_of
    drawn, _ = stream.candidates(count * candidates, first * candidates)
    if candidates == 1:
        return drawn, torch.arange(first, first + count)
    if judges.reward is None:
        raise UserError(f"best-of is {candidates}, and there is no reward to choose by; give a reward")
    rewards = judges.reward(drawn).double().reshape(count, candidates)
    ends = rewards.softmax(1).cumsum(1)
    place = uniforms(count, 1, seed=derive_seed(stream.seed, "curation"), first=first) * ends[:, -1:]
    chosen = torch.searchsorted(ends, place)[:, 0].clamp(max=candidates - 1) + torch.arange(count) * candidates
    return drawn[chosen], chosen + first * candidates


def _corrected(segment: Segment, real: Real, samples: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Ideal: (p + gamma p_data) / (1 + gamma), by putting a real sample in the place of that share of the others."""
    if not isinstance(real, Truth):
        raise UserError(
            "an ideal correction draws from the true distribution, and a set of samples is not one; "
            "run this policy on an exact family"
        )
    # Real samples that are no part of any pool but through correction.
    apart = Truth(real.generator, correction_seed(segment))
    replaced = corrected(segment)
    samples = samples.clone()
    samples[replaced] = apart.take(segment.count, segment.first)[replaced]
    true = apart.labels(segment.count, segment.first)
    if labels is None or true is None:
        return samples, None
    return samples, torch.where(replaced, true, labels)

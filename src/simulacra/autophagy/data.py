"""What a loop learns from first and is measured against: a set of pictures, the digits, or an exact truth.

Real samples are split once. A reference part is set apart, and no generation ever trains on it; loops take the rest in
order. The split depends on the set and on the size of the reference alone, so that all loops on one set meet the same.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from simulacra.autophagy.drawing import Judges
from simulacra.autophagy.real import Held, Real, Truth
from simulacra.autophagy.truths import TRUTHS, ExactTruth, nearest_mode, open_truth
from simulacra.errors import UserError
from simulacra.seeds import derive_seed
from simulacra.sets import Attribute, PictureSet
from simulacra.sets.sources.digits import Digits

DIGITS = "digits"
"""The handwritten digits of scikit-learn, which need no file."""

_TRUTH_REFERENCE = 1000
_LEAST_REFERENCE = 12  # its halves are measured against each other, and each needs its neighbours
_MOST_REFERENCE = 10_000
_SPLIT_SEED = 0
"""One for all loops: see the head of this file."""


@dataclass(frozen=True)
class Data:
    """Real samples, split."""

    text: str  # as a person types it
    identity: Mapping[str, Any]  # what decides every sample; plain JSON
    real: Real  # what loops take, from place 0
    held: int | None  # samples they can take; None: without end
    reference: Tensor  # real samples that are only measured against
    reference_labels: Tensor | None
    names: tuple[str, ...]  # of the classes
    judges: Judges
    learner: str  # specification of the generator for it where none is asked for

    @property
    def pictures(self) -> bool:
        """Whether the samples are pictures, (N, C, H, W) in [-1, 1]."""
        return self.reference.ndim == 4

    def check(self, wanted: int) -> None:
        """Refuse loops that take more real samples than there are.

        Raises:
            UserError: the set is too small.
        """
        if self.held is not None and wanted > self.held:
            raise _too_few(self.text, self.held + len(self.reference), len(self.reference), wanted)


def open_data(
    text: str,
    *,
    label: str | None = None,
    unconditional: bool = False,
    reference: int | None = None,
    needed: int | None = None,
) -> Data:
    """Real samples from what a person types.

    Args:
        text: `digits`, a zip or folder of pictures, or an exact truth such as `normal:dimensions=2`.
        label: attribute of a set whose values are the classes; None means its own labels, where it has some.
        unconditional: keep the classes from the generators; they are only measured.
        reference: samples to set apart; None means 1000 of a truth, and a third of a set up to 10,000.
        needed: samples that the loops will take; None: all there are.

    Raises:
        UserError: there is no such data, or it holds too few samples.
    """
    if reference is not None and reference < _LEAST_REFERENCE:
        raise UserError(f"--reference is {reference}; it must be {_LEAST_REFERENCE} or more")
    if text.partition(":")[0] in TRUTHS and not Path(text).exists():
        if label is not None:
            raise UserError(f"--label is {label}, and {text} has no attributes; leave it out")
        if unconditional:
            raise UserError(f"--unconditional is given, and {text} tells no generator of classes; leave it out")
        return _of_truth(open_truth(text), _TRUTH_REFERENCE if reference is None else reference)
    if text == DIGITS:
        if label is not None:
            raise UserError(f"--label is {label}, and the digits are labelled by their class already; leave it out")
        source = Digits()
        levels = np.stack([source.read(index, alpha=False).pixels[..., :1] for index in range(len(source.names))])
        return _split(
            text,
            {DIGITS: 1},
            len(levels),
            lambda chosen: levels[chosen].transpose(0, 3, 1, 2),
            source.labels,
            source.attributes["digit"].values,
            unconditional,
            reference,
            needed,
        )
    if not Path(text).exists():
        raise UserError(
            f"--data is {text!r}, and there is no such set; give digits, a zip or folder of pictures, or a truth: "
            f"{', '.join(sorted(TRUTHS))}"
        )
    pictures = PictureSet(Path(text))
    if pictures.channels == 4:
        raise UserError(
            f"{text} holds pictures with alpha, and generators learn from grey or RGB; build it without: "
            f"simulacra data build {text} OUT.zip"
        )
    classes, names = _classes(pictures, label, text)
    if unconditional and classes is None:
        raise UserError(
            f"--unconditional is given, and {text} has no classes to keep back; leave it out, or name --label"
        )
    identity = {"set": pictures.digest, "label": label}
    return _split(text, identity, len(pictures), pictures.pictures, classes, names, unconditional, reference, needed)


def as_rows(samples: Tensor, like: Data) -> Tensor:
    """Samples as they are measured: category numbers become corners of a simplex, all else stays."""
    if samples.ndim > 1:
        return samples
    count = int(like.reference.shape[1])
    return torch.nn.functional.one_hot(samples, count).double()


def _of_truth(truth: ExactTruth, reference: int) -> Data:
    generator, modes = truth.generator(), truth.modes()
    apart = Truth(generator, derive_seed(_SPLIT_SEED, "autophagy-reference")).take(reference, 0)
    labels: Tensor | None = None
    names: tuple[str, ...] = ()
    if modes is not None:
        labels, names = nearest_mode(apart, modes), tuple(str(number) for number in range(1, len(modes) + 1))
    if apart.ndim == 1:  # category numbers
        count = len(generator.state()["probabilities"])
        labels, names = apart, tuple(map(str, range(count)))
        apart = torch.nn.functional.one_hot(apart, count).double()
    return Data(
        text=truth.specification,
        identity={
            "truth": truth.specification,
            "versions": [truth.version, generator.version],
            "reference": reference,
        },
        real=Truth(generator, derive_seed(_SPLIT_SEED, "autophagy-real")),
        held=None,
        reference=apart,
        reference_labels=labels,
        names=names,
        judges=truth.judges(),
        learner=truth.learner(),
    )


def _split(
    text: str,
    identity: Mapping[str, Any],
    total: int,
    pictures: Any,
    classes: NDArray[np.generic] | None,
    names: tuple[str, ...],
    unconditional: bool,
    reference: int | None,
    needed: int | None,
) -> Data:
    """A set of pictures, split; `pictures` gives uint8 of shape (N, C, H, W) by index."""
    apart = min(total // 3, _MOST_REFERENCE) if reference is None else reference
    held = total - apart
    wanted = held if needed is None else needed
    if apart < _LEAST_REFERENCE or wanted > held:
        raise _too_few(text, total, apart, wanted)
    generator = torch.Generator().manual_seed(derive_seed(_SPLIT_SEED, "autophagy-split"))
    order = torch.randperm(total, generator=generator).numpy()
    chosen = order[: apart + wanted]
    # The same division as a generator's, so that real and drawn pictures lie on one grid of 256 levels.
    samples = torch.from_numpy(np.ascontiguousarray(pictures(chosen))).float() / 127.5 - 1
    labels = None if classes is None else torch.from_numpy(classes[chosen].astype(np.int64))
    return Data(
        text=text,
        identity={**identity, "reference": apart, **({"unconditional": True} if unconditional else {})},
        real=Held(samples[apart:], None if labels is None or unconditional else labels[apart:]),
        held=held,
        reference=samples[:apart],
        reference_labels=None if labels is None else labels[:apart],
        names=names,
        judges=Judges(),
        learner="vae",
    )


def _too_few(text: str, total: int, apart: int, wanted: int) -> UserError:
    return UserError(
        f"{text} holds {total} pictures, of which {apart} are set apart as the reference, and the loops ask for "
        f"{wanted} of the other {total - apart}; give fewer --samples, fewer --generations, a smaller --reference or "
        "a larger set"
    )


def _classes(pictures: PictureSet, label: str | None, text: str) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """The class of each picture and the names of the classes; None where there are none."""
    if label is not None:
        if label not in pictures.attributes:
            known = ", ".join(sorted(pictures.attributes)) or "none"
            raise UserError(f"--label is {label!r}, and the attributes of {text} are: {known}; name one of them")
        return _of_attribute(pictures.attributes[label])
    named = pictures.attributes.get(pictures.facts.get("label") or "")
    if named is not None:
        return _of_attribute(named)
    classes = pictures.classes
    return classes, () if classes is None else tuple(map(str, range(pictures.label_dimensions)))


def _of_attribute(attribute: Attribute) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    return attribute.codes, attribute.values

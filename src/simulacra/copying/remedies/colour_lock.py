"""Colour lock: each copy is given the tones of a reference back, channel by channel."""

from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from simulacra.copying.remedies.contract import Remedy
from simulacra.specification import Parameters

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

LEVELS = 2**16
"""Steps a channel is counted in: a copy has more tones than the 8 bits of a frame, and they decide the order."""


class ColourLockParameters(Parameters):
    """Whose colours a copy gets."""

    to: Literal["origin", "previous"] = Field(
        "origin",
        description="origin: frame 0; previous: frame k-1, as a warning: what one copy gets wrong the next takes over, "
        "and users report casts that ran away the other way",
    )


class ColourLock(Remedy):
    """The histogram of each sRGB channel is that of frame 0 again, and the order of its tones that of the copy.

    Whatever the copier did to a channel as a whole, by any rising curve, is undone exactly: a cast, a lost contrast, a
    shifted gamma. Matching mean and spread in CIELAB, the other common practice, undoes it nearly, and what remains
    adds up from copy to copy; `design/remedies.md` has the measurement.
    """

    family = "colour-lock"
    summary = "gives each copy the tones of frame 0 back; to=previous is a warning: there casts are said to run away"
    origin = "the colour correction of image-to-image loops (AUTOMATIC1111 issue 481, InvokeAI pull request 613)"
    Parameters = ColourLockParameters
    parameters: ColourLockParameters

    def after(self, copy: "Tensor", parent: "Tensor", origin: "Tensor", step: int) -> "Tensor":
        """The copy with the histograms of the reference; see `Remedy.after`."""
        import torch

        reference = origin if self.parameters.to == "origin" else parent
        channels = zip(copy[0].cpu().numpy(), reference[0].cpu().numpy(), strict=True)
        matched = [matched_histogram(channel, wanted) for channel, wanted in channels]
        return torch.from_numpy(np.stack(matched))[None].to(copy.device)


def matched_histogram(channel: "NDArray[np.float32]", reference: "NDArray[np.float32]") -> "NDArray[np.float32]":
    """A channel with the tones of a reference, handed out by rank; equal tones stay equal and get the mean of theirs.

    Args:
        channel: any shape, values in [0, 1].
        reference: as many values, in [0, 1].

    Returns:
        Of the shape and type of `channel`.

    Source: Gonzalez and Woods, "Digital Image Processing", histogram specification.
    """
    tones, wanted = (np.rint(values * (LEVELS - 1)).astype(np.int64) for values in (channel, reference))
    counts, there = (np.bincount(values.ravel(), minlength=LEVELS) for values in (tones, wanted))
    # The sum of the r smallest reference tones bends only where a tone ends, so linear interpolation is exact.
    ranks = np.concatenate(([0], np.cumsum(there)))
    sums = np.concatenate(([0.0], np.cumsum(there * np.arange(LEVELS, dtype=np.float64))))
    reached = np.interp(np.concatenate(([0], np.cumsum(counts))), ranks, sums)
    means = np.diff(reached) / np.maximum(counts, 1) / (LEVELS - 1)
    return means[tones].astype(channel.dtype)

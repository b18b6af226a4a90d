"""Where single precision is kept while the rest computes in half of it."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """A stretch of code that autocast leaves alone; devices without autocast, such as meta, are left as they are."""
    kind = device.type
    # Asking takes less time than opening one, and a training step has a hundred.
    if torch.amp.is_autocast_available(kind) and torch.is_autocast_enabled(kind):
        return torch.autocast(kind, enabled=False)
    return nullcontext()


def widened(x: Tensor) -> Tensor:
    """The same values in single precision; double precision stays."""
    return x.to(torch.promote_types(x.dtype, torch.float32))

"""What is done to w before it styles the layers: repeated for each, drawn towards the average, mixed with others.

Source: Karras, Laine and Aila 2019, "A Style-Based Generator Architecture for Generative Adversarial Networks",
sections 3.1 and B.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.stylegan.networks.description import Description
from simulacra.stylegan.networks.growth import active_layers


def broadcast(w: Tensor, layers: int) -> Tensor:
    """The same w for every layer: shape (N, w_dim) to (N, layers, w_dim), without copying."""
    return w.unsqueeze(1).expand(-1, layers, -1)


def truncate(ws: Tensor, w_avg: Tensor, psi: float | Tensor, cutoff: int | None = None) -> Tensor:
    """Draw styles towards the average: w' = w_avg + psi (w - w_avg).

    Args:
        ws: shape (N, layers, w_dim).
        w_avg: shape (w_dim,), the mean of the mapped prior; or (N, 1, w_dim), one for each picture.
        psi: 1 leaves the styles, 0 gives the average picture, below 0 its other side; or one number for each layer,
            shape (layers,).
        cutoff: how many layers, from the coarsest, are drawn; None for all. The paper's is 8 of 18.

    Returns:
        Shape (N, layers, w_dim).

    Raises:
        UserError: the cutoff or the length of psi does not fit the layers.

    Source: section B of the paper.
    """
    layers = ws.shape[1]
    if cutoff is not None and not 0 <= cutoff <= layers:
        raise UserError(f"cutoff is {cutoff}; it must be 0 to {layers}, the number of layers")
    if isinstance(psi, Tensor) and psi.shape not in {(), (layers,)}:
        raise UserError(f"psi has shape {tuple(psi.shape)}; give one number, or {layers}, one for each layer")
    strength = torch.ones(layers, dtype=ws.dtype, device=ws.device)
    drawn = slice(cutoff)
    strength[drawn] = psi[drawn].to(strength) if isinstance(psi, Tensor) and psi.ndim else psi
    # lerp is exact at 1, so that psi 1 gives the very same picture as no truncation
    return torch.lerp(w_avg.to(ws), ws, strength[:, None])


def mix(sources: Sequence[Tensor], crossovers: Sequence[int]) -> Tensor:
    """Styles of several latents: the first up to the first crossover, then the second, and so on.

    Args:
        sources: k styles of one shape, (N, layers, w_dim).
        crossovers: k - 1 layers at which the next source begins, not falling; a source may get no layer.

    Returns:
        Shape (N, layers, w_dim).

    Raises:
        UserError: the numbers of sources and crossovers do not fit, or a crossover is out of order or range.

    Source: section 3.1 of the paper.
    """
    if not sources or len(crossovers) != len(sources) - 1:
        raise UserError(
            f"{len(sources)} sources are mixed at {len(crossovers)} crossovers; give one source more than crossovers"
        )
    bounds = [0, *crossovers, sources[0].shape[1]]
    if sorted(bounds) != bounds:
        raise UserError(
            f"crossovers are {', '.join(map(str, crossovers))}; they must not fall and lie in 0 to {bounds[-1]}, the "
            "number of layers"
        )
    return torch.cat([ws[:, first:last] for ws, first, last in zip(sources, bounds, bounds[1:], strict=False)], dim=1)


def drawn_crossover(description: Description, lod: float, generator: torch.Generator) -> int | None:
    """Where the second latent of a training batch begins: one draw for the whole batch.

    Args:
        description: of the generator; its `mixing` is the share of batches that are mixed.
        lod: level of detail; layers that do not work yet get no crossover.
        generator: of random numbers, on the processor.

    Returns:
        A layer, uniform from 1 to the last active one; None for a batch that is not mixed.

    Source: section 3.1 of the paper.
    """
    if torch.rand((), generator=generator).item() >= description.mixing:
        return None
    return int(torch.randint(1, len(active_layers(description, lod)), (), generator=generator))


def replace(ws: Tensor, source: Tensor, rows: range) -> Tensor:
    """Styles with those of another latent in some layers, such as a group's: figure 3 of the paper.

    Args:
        ws: shape (N, layers, w_dim).
        source: the same shape, or with N = 1.
        rows: the layers that take the source's style, from `Description.group` or any range.

    Raises:
        UserError: a row lies outside the layers.
    """
    if rows and not 0 <= min(rows) <= max(rows) < ws.shape[1]:
        raise UserError(
            f"rows {rows.start} to {rows.stop - 1} leave the {ws.shape[1]} layers; give 0 to {ws.shape[1] - 1}"
        )
    mixed = ws.clone()
    mixed[:, list(rows)] = source[:, list(rows)]
    return mixed

"""How the digits network was trained; `python -m simulacra.measures.of_sets.digits_training` does it again.

It learns all 1,797 digits of scikit-learn, also those that loops are measured against: it is an instrument, and the
same one for every loop. That could spoil the comparison of digits it has seen with digits it has not; but features of a
network that learnt one half tell the halves no further apart than chance does.
"""

import argparse
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor
from torch.nn import functional

from simulacra.errors import UserError
from simulacra.measures.of_sets.digits_network import read, untrained
from simulacra.measures.of_sets.frechet import frechet_distance
from simulacra.seeds import derive_seed
from simulacra.sets.sources.digits import Digits

SEED = 0
"""Of the network that is shipped."""

EPOCHS = 30
FOLDS = 10
HALVES = 20

_BATCH = 64
_RATE = 2e-3
"""Of AdamW at the start; it falls to 0 in a straight line."""


def digits() -> tuple[Tensor, Tensor]:
    """All digits, (1797, 1, 8, 8), float32 in [0, 1], and their classes, (1797,).

    Raises:
        MissingExtra: scikit-learn is not installed.
    """
    source = Digits()
    levels = [torch.from_numpy(source.read(index, alpha=False).pixels[..., 0]) for index in range(len(source.names))]
    labels = source.labels
    return torch.stack(levels)[:, None].float() / 255, torch.as_tensor(labels)


def train(pictures: Tensor, labels: Tensor, *, seed: int, epochs: int = EPOCHS) -> dict[str, Tensor]:
    """Train a network.

    Args:
        pictures: shape (N, 1, 8, 8), float32 in [0, 1], N of 64 or more.
        labels: shape (N,), int64, 0 to 9.
        seed: of the first weights and of the order of the pictures.
        epochs: passes over the pictures, 1 or more.

    Returns:
        Its weights: equal bits on one machine with one thread.

    Raises:
        UserError: there are too few pictures, or no epochs.
    """
    if len(pictures) < _BATCH or epochs < 1:
        raise UserError(
            f"there are {len(pictures)} pictures and {epochs} epochs; give {_BATCH} pictures and 1 epoch or more"
        )
    generator = torch.Generator().manual_seed(derive_seed(seed, "digits-network"))
    weights = {name: tensor.requires_grad_() for name, tensor in untrained(generator).items()}
    optimiser = torch.optim.AdamW(weights.values(), lr=_RATE, weight_decay=1e-2)
    batches = len(pictures) // _BATCH
    for step in range(epochs * batches):
        if step % batches == 0:
            order = torch.randperm(len(pictures), generator=generator)
        chosen = order[step % batches * _BATCH :][:_BATCH]
        for group in optimiser.param_groups:
            group["lr"] = _RATE * (1 - step / (epochs * batches))
        loss = functional.cross_entropy(read(pictures[chosen], weights).logits, labels[chosen])
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return {name: tensor.detach() for name, tensor in weights.items()}


@torch.no_grad()
def accuracy(pictures: Tensor, labels: Tensor, weights: Mapping[str, Tensor]) -> float:
    """Share of pictures whose class the network tells."""
    return float((read(pictures, weights).logits.argmax(1) == labels).double().mean())


def cross_validated(pictures: Tensor, labels: Tensor, *, seed: int, folds: int = FOLDS) -> float:
    """Accuracy on pictures that were not learnt from, mean over folds of equal size drawn at random."""
    parts = torch.tensor_split(_shuffled(len(pictures), seed), folds)
    found = []
    for held in range(folds):
        rest = torch.cat([part for number, part in enumerate(parts) if number != held])
        weights = train(pictures[rest], labels[rest], seed=derive_seed(seed, "digits-fold", held))
        found.append(accuracy(pictures[parts[held]], labels[parts[held]], weights))
    return sum(found) / folds


def seen_against_unseen(pictures: Tensor, labels: Tensor, *, seed: int, divisions: int = 20) -> float:
    """Fréchet distance of the half that a network has learnt and the other, over that of random halves; 1 is best."""
    order = _shuffled(len(pictures), seed)
    seen, unseen = order.tensor_split(2)
    weights = train(pictures[seen], labels[seen], seed=derive_seed(seed, "digits-half"))
    with torch.no_grad():
        features = read(pictures, weights).features
    apart = frechet_distance(real=features[seen], generated=features[unseen])
    halves = [_shuffled(len(pictures), derive_seed(seed, "digits-division", each)) for each in range(divisions)]
    chance = [
        frechet_distance(real=features[each[: len(seen)]], generated=features[each[len(seen) :]]) for each in halves
    ]
    return apart / (sum(chance) / divisions)


def _shuffled(count: int, seed: int) -> Tensor:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed))


def main() -> None:
    """Train the network, say how good it is, and write it where the command line says."""
    parser = argparse.ArgumentParser(description="Train the digits network again.")
    parser.add_argument("file", type=Path, help="where to write the weights, .safetensors")
    parser.add_argument("--seed", type=int, default=SEED)
    given = parser.parse_args()
    torch.set_num_threads(1)
    pictures, labels = digits()
    held_out = cross_validated(pictures, labels, seed=given.seed)
    print(f"accuracy {held_out:.4f}, cross-validated in {FOLDS} folds")
    ratios = torch.tensor([seen_against_unseen(pictures, labels, seed=seed) for seed in range(HALVES)])
    error = float(ratios.std()) / HALVES**0.5
    print(f"learnt against other digits: {float(ratios.mean()):.3f} +- {error:.3f} of the distance that chance gives")
    data = safetensors.torch.save(train(pictures, labels, seed=given.seed))
    given.file.write_bytes(data)
    print(f"{given.file}: {len(data)} bytes, SHA-256 {sha256(data).hexdigest()}")


if __name__ == "__main__":
    main()

import numpy as np
import pytest
import torch

from simulacra.generators.streams import normals, philox, uniforms


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),  # digits of pi
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_known_answers_of_philox(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, int, int, int]
) -> None:
    a, b, c, d = (np.array([word], dtype=np.uint64) for word in counter)
    assert tuple(int(word[0]) for word in philox((a, b, c, d), key)) == expected


def test_rows_are_the_same_in_any_batch_and_of_any_width() -> None:
    whole = normals(101, 7, seed=2**63 + 1)
    for first in (0, 1, 50, 100):
        assert torch.equal(normals(1, 7, seed=2**63 + 1, first=first)[0], whole[first])
    assert torch.equal(uniforms(5, 3, seed=1), uniforms(5, 8, seed=1)[:, :3])


def test_streams_differ_by_seed_place_and_purpose() -> None:
    draws = [
        uniforms(1, 1, seed=seed, first=first, purpose=purpose)
        for seed in (0, 1, 2**32)
        for first in (0, 1, 2**32)
        for purpose in (0, 1)
    ]
    assert len({float(draw) for draw in draws}) == len(draws)


def test_distributions() -> None:
    drawn = uniforms(20_000, 3, seed=4).flatten()
    assert float(drawn.min()) > 0 and float(drawn.max()) < 1
    counts = np.histogram(drawn.numpy(), bins=50, range=(0, 1))[0]
    chi = float(((counts - 1200) ** 2 / 1200).sum())
    assert chi < 49 + 4 * (2 * 49) ** 0.5  # chi-square with 49 degrees of freedom, four deviations
    normal = normals(20_000, 3, seed=4)
    # Moments of 60,000 normal numbers within four standard errors.
    assert abs(float(normal.mean())) < 4 / 60_000**0.5
    assert abs(float(normal.square().mean()) - 1) < 4 * (2 / 60_000) ** 0.5
    assert abs(float(normal.pow(4).mean()) - 3) < 4 * (96 / 60_000) ** 0.5
    correlation = np.corrcoef(normal.T.numpy()) - np.eye(3)
    assert np.abs(correlation).max() < 4 / 20_000**0.5

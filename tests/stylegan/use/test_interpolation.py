from math import pi

import numpy as np
import pytest
import torch

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.stylegan.networks import latents
from simulacra.stylegan.use import Interpolation, Maker
from simulacra.stylegan.use.interpolation import slerp
from simulacra.stylegan.use.sheet import on_white

from .toys import PLAIN, RICH, drawn, maker


def frames(film: Interpolation, made_by: Maker) -> list[Pixels]:
    return np.split(drawn(film, made_by), film.frames)


@pytest.mark.parametrize("space", ["z", "w"])
@pytest.mark.parametrize("description", [PLAIN, RICH], ids=["stylegan1", "stylegan2-classes"])
def test_a_loop_passes_every_seed_and_leaves_out_the_return(description: object, space: str) -> None:
    made_by = maker(description)  # type: ignore[arg-type]
    shown = frames(Interpolation.of(seeds=(1, 2, 3), between=4, space=space), made_by)
    assert len(shown) == 12
    for index, seed in enumerate((1, 2, 3)):
        meant = on_white(made_by.one(seed, None, 1.0, None, "stored"))
        # In z the vector is divided by its length and multiplied again: one level where that rounds.
        assert np.abs(shown[4 * index].astype(int) - meant).max() <= (1 if space == "z" else 0)
    assert len({frame.tobytes() for frame in shown}) == 12


def test_without_a_loop_the_film_ends_at_the_last_seed() -> None:
    made_by = maker(PLAIN)
    film = Interpolation.of(seeds=(1, 2), between=3, loop=False, psi=0.7)
    shown = frames(film, made_by)
    assert film.frames == len(shown) == 4
    assert np.array_equal(shown[-1], made_by.one(2, None, 0.7, None, "stored"))


def test_halfway_in_w_is_the_mean_and_halfway_in_z_is_not() -> None:
    made_by = maker(PLAIN)
    straight, curved = (
        frames(Interpolation.of(seeds=(1, 2), between=2, space=space), made_by)[1] for space in ("w", "z")
    )
    middle = made_by.styles((made_by.w(1) + made_by.w(2)) / 2)
    # (a + b) / 2 and a + (b - a) / 2 round differently.
    assert np.abs(straight.astype(int) - made_by.pixels(middle, made_by.noise("stored", 1))).max() <= 1
    assert not np.array_equal(straight, curved)


@pytest.mark.parametrize("share", [0.0, 0.25, 0.5, 1.0])
def test_slerp_turns_at_an_even_pace(share: float) -> None:
    one, other = torch.tensor([[2.0, 0.0, 0.0]]), torch.tensor([[0.0, 4.0, 0.0]])
    angle, length = torch.tensor(share * pi / 2, dtype=torch.float64), 2 + 2 * share
    meant = length * torch.stack([angle.cos(), angle.sin(), torch.zeros((), dtype=torch.float64)])
    # Rounded once to float32.
    assert torch.allclose(slerp(one, other, share), meant.float()[None], atol=1e-6)


def test_slerp_between_equal_directions_keeps_them() -> None:
    z = latents(PLAIN, [4])
    for other, length in ((z, 1.0), (3 * z, 2.0)):
        assert torch.allclose(slerp(z, other, 0.5), length * z, rtol=1e-6)  # rounded once to float32


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seeds": (1,)}, "^seeds is .*two or more"),
        ({"milliseconds": 33}, "^milliseconds is 33: .*multiple of 10"),
        ({"milliseconds": 10}, "^milliseconds is 10: .*from 20 up"),
        ({"between": 0}, "^between is 0"),
        ({"space": "v"}, r"^space is 'v': .*\(z or w\)$"),
    ],
)
def test_films_that_cannot_be_are_refused(settings: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Interpolation.of(**settings)


def test_noise_by_seed_has_no_meaning_between_seeds() -> None:
    with pytest.raises(UserError, match=r"--noise must be stored, none, or a seed$"):
        Interpolation.of(noise="seed").drawn(maker(PLAIN))

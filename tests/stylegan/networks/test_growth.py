import pytest
import torch

from simulacra.errors import UserError
from simulacra.stylegan.networks import Description, build_discriminator, build_generator
from simulacra.stylegan.networks.growth import active_layers, active_resolution, double, fade, fade_share, halve, shrink

from .toys import TINY_1, TINY_2, one_hot, seeded, shaken

NEARLY = 1 - 1e-12


@pytest.mark.parametrize(
    ("lod", "resolution", "layers", "share"),
    [
        (0.0, 1024, 18, 0.0),
        (0.5, 1024, 18, 0.5),
        (1.0, 512, 16, 0.0),
        (6.25, 16, 6, 0.25),
        (7.0, 8, 4, 0.0),
        (8.0, 4, 2, 0.0),
    ],
)
def test_levels_of_detail(lod: float, resolution: int, layers: int, share: float) -> None:
    description = Description.stylegan1()
    assert active_resolution(description, lod) == resolution
    assert len(active_layers(description, lod)) == layers
    assert fade_share(lod) == share


@pytest.mark.parametrize("lod", [-0.5, 8.5, 9.0])
def test_levels_that_are_not_there(lod: float) -> None:
    with pytest.raises(UserError, match=rf"^lod is {lod}; these networks have 0 to 8"):
        active_resolution(Description.stylegan1(), lod)


@pytest.mark.parametrize("description", [TINY_2, TINY_1.changed(progressive=False)])
def test_networks_that_do_not_grow(description: Description) -> None:
    generator, discriminator = build_generator(description, 1), build_discriminator(description, 1)
    with pytest.raises(UserError, match=r"^lod is 1\.0; these networks do not grow: give 0"):
        generator(torch.zeros(1, 6), one_hot(1).float(), lod=1.0)
    with pytest.raises(UserError, match=r"^lod is 0\.5; these networks do not grow: give 0"):
        discriminator(torch.zeros(1, 4, 16, 16), one_hot(1).float(), lod=0.5)


@pytest.mark.parametrize("level", [0, 1])
def test_a_fade_begins_with_the_coarser_pictures(level: int) -> None:
    generator = shaken(build_generator(TINY_1, 1))
    ws = torch.randn(2, 6, 7, generator=seeded(), dtype=torch.float64)
    with torch.no_grad():
        begun, before = (generator.synthesis(ws, lod=lod) for lod in (level + NEARLY, level + 1.0))
    torch.testing.assert_close(begun, double(before), rtol=0, atol=1e-9)  # 1e-12 of the finer ones is still in it


@pytest.mark.parametrize("level", [0, 1])
def test_and_the_discriminator_takes_them_for_the_same(level: int) -> None:
    discriminator = shaken(build_discriminator(TINY_1, 1))
    side = 8 >> level
    pictures = torch.randn(4, 4, side, side, generator=seeded(), dtype=torch.float64)
    labels = one_hot(0, 1, 2, 0)
    with torch.no_grad():
        begun = discriminator(double(pictures), labels, level + NEARLY)
        before = discriminator(pictures, labels, level + 1.0)
    torch.testing.assert_close(begun, before, rtol=0, atol=1e-9)


def test_layers_that_do_not_work_yet_get_no_gradient() -> None:
    generator = shaken(build_generator(TINY_1, 1))
    ws = torch.randn(2, 6, 7, generator=seeded(), dtype=torch.float64, requires_grad=True)
    generator.synthesis(ws, lod=1.5).square().sum().backward()
    assert ws.grad is not None
    assert [bool(ws.grad[:, row].any()) for row in range(6)] == [True] * 4 + [False] * 2
    reached = {name for name, parameter in generator.synthesis.named_parameters() if parameter.grad is not None}
    assert {name for name in reached if name.startswith("to_rgb")} == {
        f"to_rgb.{side}.{part}" for side in (4, 8) for part in ("weight", "bias")
    }


def test_shrinking_takes_means() -> None:
    pictures = torch.randn(2, 3, 8, 8, generator=seeded(), dtype=torch.float64)
    torch.testing.assert_close(shrink(pictures, 2.5), halve(halve(pictures)), rtol=0, atol=1e-15)
    assert shrink(pictures, 0.5) is pictures
    assert torch.equal(halve(double(pictures)), pictures)
    assert torch.equal(fade(double(pictures), 0.5), double(pictures))

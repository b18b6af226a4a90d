"""The FID Inception-V3: its shapes from the paper, its numbers from torch-fidelity, its file as data only."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures.of_sets.features_inception import Inception, tensorflow_resize
from simulacra.measures.of_sets.inception_network import Network, layer_names, pooled


def shapes() -> Iterator[tuple[str, int, int, int, int]]:
    """Each convolution of the paper: name, width in, width out, kernel height and width."""
    for name, into, out, side in (("1a_3x3", 3, 32, 3), ("2a_3x3", 32, 32, 3), ("2b_3x3", 32, 64, 3)):
        yield f"Conv2d_{name}", into, out, side, side
    yield "Conv2d_3b_1x1", 64, 80, 1, 1
    yield "Conv2d_4a_3x3", 80, 192, 3, 3
    for block, into, pool in (("5b", 192, 32), ("5c", 256, 64), ("5d", 288, 64)):
        rows = [("1x1", into, 64, 1), ("5x5_1", into, 48, 1), ("5x5_2", 48, 64, 5), ("3x3dbl_1", into, 64, 1)]
        rows += [("3x3dbl_2", 64, 96, 3), ("3x3dbl_3", 96, 96, 3), ("_pool", into, pool, 1)]
        yield from ((f"Mixed_{block}.branch{way}", *widths, side, side) for way, *widths, side in rows)
    rows = [("3x3", 288, 384, 3), ("3x3dbl_1", 288, 64, 1), ("3x3dbl_2", 64, 96, 3), ("3x3dbl_3", 96, 96, 3)]
    yield from ((f"Mixed_6a.branch{way}", *widths, side, side) for way, *widths, side in rows)
    for block, c in (("6b", 128), ("6c", 160), ("6d", 160), ("6e", 192)):
        ways = [("1x1", 768, 192, 1, 1), ("7x7_1", 768, c, 1, 1), ("7x7_2", c, c, 1, 7), ("7x7_3", c, 192, 7, 1)]
        ways += [("7x7dbl_1", 768, c, 1, 1), ("7x7dbl_2", c, c, 7, 1), ("7x7dbl_3", c, c, 1, 7)]
        ways += [("7x7dbl_4", c, c, 7, 1), ("7x7dbl_5", c, 192, 1, 7), ("_pool", 768, 192, 1, 1)]
        yield from ((f"Mixed_{block}.branch{way}", *rest) for way, *rest in ways)
    ways = [("3x3_1", 768, 192, 1, 1), ("3x3_2", 192, 320, 3, 3), ("7x7x3_1", 768, 192, 1, 1)]
    ways += [("7x7x3_2", 192, 192, 1, 7), ("7x7x3_3", 192, 192, 7, 1), ("7x7x3_4", 192, 192, 3, 3)]
    yield from ((f"Mixed_7a.branch{way}", *rest) for way, *rest in ways)
    for block, into in (("7b", 1280), ("7c", 2048)):
        ways = [("1x1", into, 320, 1, 1), ("3x3_1", into, 384, 1, 1), ("3x3_2a", 384, 384, 1, 3)]
        ways += [("3x3_2b", 384, 384, 3, 1), ("3x3dbl_1", into, 448, 1, 1), ("3x3dbl_2", 448, 384, 3, 3)]
        ways += [("3x3dbl_3a", 384, 384, 1, 3), ("3x3dbl_3b", 384, 384, 3, 1), ("_pool", into, 192, 1, 1)]
        yield from ((f"Mixed_{block}.branch{way}", *rest) for way, *rest in ways)


def noise(*shape: int, place: float) -> Tensor:
    """Numbers in [-1, 1] that look random and that any machine makes again: digits of a sine far behind its point."""
    count = torch.arange(torch.Size(shape).numel(), dtype=torch.float64)
    return (2 * (torch.sin(count * 12.9898 + place) * 43758.5453).remainder(1) - 1).reshape(shape).float()


@pytest.fixture(scope="module")
def tensors() -> dict[str, Tensor]:
    made = {}
    for index, (name, into, out, height, width) in enumerate(shapes()):
        gain = (4 / (into * height * width)) ** 0.5
        made[f"{name}.conv.weight"] = gain * noise(out, into, height, width, place=index)
        for part, middle, reach in (
            ("weight", 1.2, 0.2),
            ("bias", 0.1, 0.1),
            ("running_mean", 0, 0.1),
            ("running_var", 1, 0.3),
        ):
            made[f"{name}.bn.{part}"] = middle + reach * noise(out, place=index + 0.5)
        made[f"{name}.bn.num_batches_tracked"] = torch.tensor(0)
    made["fc.weight"], made["fc.bias"] = torch.zeros(1008, 2048), torch.zeros(1008)
    return made


@pytest.fixture(scope="module")
def file(tensors: dict[str, Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("inception") / "waves.pth"
    torch.save(tensors, path)
    return path


def picture(height: int, width: int) -> Tensor:
    """Whole 8-bit values, as torch-fidelity reads."""
    return ((noise(1, 3, height, width, place=0) + 1) * 127.5).round() / 255


def test_has_the_published_parameters(tensors: dict[str, Tensor]) -> None:
    assert {f"{name}.conv.weight" for name in layer_names()} == {
        name for name in tensors if name.endswith("conv.weight")
    }
    learned = sum(each.numel() for name, each in tensors.items() if "running" not in name and "batches" not in name)
    assert learned == 23_850_960  # 1,008 classes, no auxiliary classifier


@pytest.mark.parametrize(
    ("size", "expected"),  # torch-fidelity 0.4.0 on these weights and pictures
    [
        ((32, 48), [0.0436469, 3.28675, 0, 0.14652, 0.264016, 0.0123429, 0.765963, 5.08198]),
        ((299, 299), [0.0485965, 4.24267, 0, 0.175327, 0.341665, 0.00356696, 0.942585, 6.35639]),
        ((400, 320), [0.047311, 3.58446, 0, 0.15749, 0.292866, 0.00350994, 0.817072, 5.4634]),
    ],
)
def test_equals_torch_fidelity(file: Path, size: tuple[int, int], expected: list[float]) -> None:
    numbers = Inception(file).extract(picture(*size))[0]
    # float32 convolutions in another order, batch normalisation folded
    assert numbers[::256].tolist() == pytest.approx(expected, rel=1e-5, abs=1e-5)


def test_resizes_as_tensorflow_1_did() -> None:
    # corners aligned, not centres: output i looks at i / 2, so the first is the first and the last two are the last
    row = torch.tensor([10.0, 30.0]).expand(1, 3, 2, 2)
    assert tensorflow_resize(row, 4)[0, 0, 0].tolist() == [10, 20, 30, 30]
    assert tensorflow_resize(row, 2).equal(row)


def test_does_not_antialias_and_says_so() -> None:
    stripes = torch.zeros(1, 3, 598, 598)
    stripes[..., ::2] = 1
    assert tensorflow_resize(stripes, 299).unique().tolist() == [1]  # every second column is never looked at
    assert Inception.resizing.endswith("not antialiased")


def test_leaves_out_gains_that_are_one(tensors: dict[str, Tensor]) -> None:
    without = {name: each for name, each in tensors.items() if not name.endswith("bn.weight")}
    ones = tensors | {name: torch.ones_like(each) for name, each in tensors.items() if name.endswith("bn.weight")}
    x = picture(299, 299) * 255
    with torch.no_grad():
        bare, full = (pooled(x, Network.from_weights(each, "waves")) for each in (without, ones))
    assert torch.equal(bare, full)


def test_identity_is_that_of_the_file(file: Path, tensors: dict[str, Tensor], tmp_path: Path) -> None:
    other = tmp_path / "other.pth"
    torch.save(tensors | {"fc.bias": torch.ones(1008)}, other)
    assert Inception(file).identity != Inception(other).identity


def test_refuses_files_that_are_not_the_network(tmp_path: Path, tensors: dict[str, Tensor]) -> None:
    whole = {name: torch.zeros(1) for name in tensors}
    files = {
        "text": (b"no weights", "does not read as plain weights"),
        "list": ([1, 2], "holds a list"),
        "other network": ({"weight": torch.zeros(3)}, "has no whole layer Conv2d_1a_3x3"),
        "layers of one number": (whole, "has no whole layer|ends in"),
    }
    for name, (content, said) in files.items():
        path = tmp_path / f"{name}.pth"
        path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
        with pytest.raises(UserError, match=said):
            Inception(path).extract(torch.zeros(1, 3, 8, 8))


def test_never_executes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "code.pth"
    torch.save(Trap(), path)
    with pytest.raises(UserError, match="not a TorchScript archive or a pickled model"):
        Inception(path).extract(torch.zeros(1, 3, 8, 8))
    assert not Trap.sprung


class Trap:
    """An object whose pickle calls a function when it is read without care."""

    sprung: ClassVar[list[int]] = []

    def __reduce__(self) -> tuple[object, ...]:
        return Trap.sprung.append, (1,)

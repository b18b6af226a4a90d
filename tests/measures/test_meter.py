from collections.abc import Iterator
from math import nan
from typing import ClassVar

import pytest
import torch
from torch import Tensor

from simulacra.errors import UserError
from simulacra.measures import meter as module
from simulacra.measures.colour import Colour
from simulacra.measures.contract import Against, Better, Channel, Columns, Features, Measure, Undefined
from simulacra.measures.geometry import Geometry
from simulacra.measures.meter import NO_PREVIOUS, ChainMeter, FrameValues, available_channels
from simulacra.measures.structure import Structure


class Brightness(Channel):
    """The mean of all values: small enough to work out by hand."""

    name = "brightness"
    measures: ClassVar[tuple[Measure, ...]] = (
        Measure("level", "1", Against.NOTHING, Better.NEITHER, "Mean value.", "by hand"),
        Measure("rise", "1", Against.REFERENCE, Better.NEITHER, "Mean value minus that of the reference.", "by hand"),
    )

    def prepare(self, pictures: Tensor) -> Features:
        return {"mean": pictures.mean((1, 2, 3), dtype=torch.float64)}

    def describe(self, features: Features) -> Columns:
        return {"level": features["mean"].tolist()}

    def compare(self, features: Features, reference: Features) -> Columns:
        return {"rise": (features["mean"] - reference["mean"]).tolist()}


@pytest.fixture
def chain() -> Tensor:
    """Seven frames that slowly blur, brighten and shift, shape (7, 3, 180, 190)."""
    picture = torch.rand(1, 3, 60, 64, generator=torch.Generator().manual_seed(11))
    frame = torch.nn.functional.interpolate(picture, (180, 190), mode="bicubic").clamp(0, 1)
    frames = []
    for _ in range(7):
        frames.append(frame)
        frame = (torch.nn.functional.avg_pool2d(frame, 3, 1, 1, count_include_pad=False) * 1.02).roll(1, -1).clamp(0, 1)
    return torch.cat(frames)


@pytest.mark.parametrize("calls", [[5], [1, 1, 1, 1, 1], [2, 3], [1, 4]])
@pytest.mark.parametrize("budget", [1, 8, 1000])
def test_compares_with_frame_0_and_with_the_frame_before(calls: list[int], budget: int) -> None:
    levels = [0.0, 0.25, 0.75, 0.5, 0.625]
    frames = torch.tensor(levels)[:, None, None, None].expand(5, 3, 2, 2)
    meter = ChainMeter([Brightness()], pixel_budget=budget)
    rows = [row for part in frames.split(calls) for row in meter.measure(part)]
    assert [row["frame"]["level"] for row in rows] == levels
    assert [row["origin"]["rise"] for row in rows] == levels
    assert [row["previous"]["rise"] for row in rows] == [NO_PREVIOUS, 0.25, 0.5, -0.25, 0.125]


def test_resuming_at_frame_3_continues_the_chain(chain: Tensor) -> None:
    channels = [Colour(), Structure(), Geometry()]
    whole = ChainMeter(channels).measure(chain)
    resumed = ChainMeter.resume(channels, origin=chain[:1], previous=chain[2:3]).measure(chain[3:])
    _assert_close(resumed, whole[3:])


@pytest.mark.parametrize("budget", [1, 2 * 180 * 190, 3 * 180 * 190, 10**9])
def test_values_do_not_depend_on_the_batch(channel: Channel, chain: Tensor, budget: int) -> None:
    alone = [row for meter in [ChainMeter([channel])] for frame in chain for row in meter.measure(frame[None])]
    _assert_close(ChainMeter([channel], pixel_budget=budget).measure(chain), alone)


def test_a_chain_that_never_changes_drifts_by_exactly_nothing(channel: Channel, chain: Tensor) -> None:
    nothing = {"zoom": 1.0, "squash": 1.0, "ssim": 1.0, "ms_ssim": 1.0, "aligned_ssim": 1.0}
    infinite = {"psnr_rgb", "aligned_psnr_grey"}
    for budget in (1, 10**9):
        rows = ChainMeter([channel], pixel_budget=budget).measure(chain[:1].expand(4, -1, -1, -1))
        for reference in ("origin", "previous"):
            for name, value in rows[-1][reference].items():
                if name in infinite:
                    assert value == Undefined("the pictures are equal, so PSNR is infinite")
                else:
                    assert value == nothing.get(name, 0.0), (name, value)


def test_memory_does_not_grow_with_the_chain(chain: Tensor) -> None:
    meter = ChainMeter([Structure()], pixel_budget=2 * 180 * 190)
    kept = []
    for part in (chain[:2], chain[2:4], chain[4:6]):
        meter.measure(part)
        kept.append(sum(each.untyped_storage().nbytes() for each in _tensors(meter)))
    assert kept[0] == kept[1] == kept[2]


def test_a_frame_may_be_overwritten_after_it_was_measured(channel: Channel, chain: Tensor) -> None:
    reused = torch.empty_like(chain[:1])
    meter = ChainMeter([channel])
    rows = [row for frame in chain[:3] for row in meter.measure(reused.copy_(frame))]
    _assert_close(rows, ChainMeter([channel]).measure(chain[:3]))


@pytest.mark.parametrize(
    "frames",
    [torch.zeros(3, 4, 4), torch.zeros(1, 1, 4, 4), torch.zeros(0, 3, 4, 4), torch.zeros(1, 3, 4, 4).double()],
    ids=["no batch", "grey", "empty", "float64"],
)
def test_refuses_what_is_not_a_batch_of_pictures(frames: Tensor) -> None:
    with pytest.raises(ValueError, match=r"float32 of shape \(N, 3, H, W\)"):
        ChainMeter([Brightness()]).measure(frames)


def test_refuses_a_frame_of_another_size() -> None:
    meter = ChainMeter([Brightness()])
    meter.measure(torch.zeros(1, 3, 4, 4))
    with pytest.raises(ValueError, match="cannot follow"):
        meter.measure(torch.zeros(1, 3, 4, 5))


def test_refuses_two_channels_with_one_measure() -> None:
    with pytest.raises(ValueError, match="level, rise"):
        ChainMeter([Brightness(), Brightness()])


def test_a_channel_that_gives_nan_is_told_and_does_not_stop_the_chain() -> None:
    class Broken(Brightness):
        def describe(self, features: Features) -> Columns:
            return {"level": [nan]}

    value = ChainMeter([Broken()]).measure(torch.zeros(1, 3, 2, 2))[0]["frame"]["level"]
    assert value == Undefined("level came out as nan, which is a fault of its channel")


def test_channels_that_cannot_run_are_named_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing(Brightness):
        def unavailable(self) -> str:
            return "type: simulacra weights get face"

    monkeypatch.setattr(module, "registry", lambda kind: {"brightness": Brightness, "face": Missing})
    channels, absent = available_channels()
    assert list(channels) == ["brightness"]
    assert absent == {"face": "type: simulacra weights get face"}


def test_a_slow_channel_is_measured_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(Brightness):
        by_default = False

    monkeypatch.setattr(module, "registry", lambda kind: {"brightness": Brightness, "slow": Slow})
    assert list(available_channels()[0]) == ["brightness"]
    assert list(available_channels(["slow"])[0]) == ["slow"]


def test_an_unknown_channel_is_told_the_near_ones() -> None:
    with pytest.raises(UserError, match="channel 'color' is unknown; did you mean colour"):
        available_channels(["color"])


def test_the_channels_without_weights_are_always_there() -> None:
    channels, _ = available_channels()
    assert {"colour", "geometry", "structure"} <= channels.keys()
    assert ChainMeter(channels.values()).channels


def _assert_close(rows: list[FrameValues], expected: list[FrameValues]) -> None:
    """Equal to a millionth, which is the rounding of float32 sums taken in another order."""
    assert len(rows) == len(expected)
    for row, other in zip(rows, expected, strict=True):
        for reference, values in row.items():
            for name, value in values.items():
                wanted = other[reference][name]
                if isinstance(wanted, Undefined):
                    assert value == wanted, name
                else:
                    assert value == pytest.approx(wanted, rel=1e-5, abs=1e-5), name


def _tensors(meter: ChainMeter) -> Iterator[Tensor]:
    for features in (*meter._origin, *meter._last):
        yield from features.values()

from simulacra.measures.contract import Channel, Measure
from simulacra.registry import registry
from simulacra.reports import words


def _measures() -> dict[str, tuple[str, Measure]]:
    names = ("colour", "geometry", "structure", "face", "perception", "quality")
    names += ("lpips", "lpips-vgg", "dists", "clip", "dinov2", "dreamsim")
    channels: list[type[Channel]] = [registry("measure")[name] for name in names]
    return {measure.name: (channel.name, measure) for channel in channels for measure in channel.measures}


def test_every_measure_the_page_speaks_of_exists() -> None:
    known = _measures()
    for channel, names in words.HEADLINE.items():
        assert [known[name][0] for name in names] == [channel] * len(names)
    spoken = {words.DRIFT, words.LIGHTNESS, words.RED_GREEN, words.YELLOW_BLUE, words.SSIM, words.FACE}
    assert spoken | {words.SHIFT_X, words.SHIFT_Y, words.ZOOM, words.ROTATION} <= known.keys()


def test_every_measure_has_a_name_for_readers() -> None:
    assert set(words.LABELS) == set(_measures())


def test_a_sign_is_shown_where_a_value_has_a_direction() -> None:
    signed = {name for name, (_, measure) in _measures().items() if words.is_signed(measure)}
    assert {"delta_b_mean", "shift_x", "rotation", "brow_rise"} <= signed
    assert signed.isdisjoint({"zoom", "squash", "ssim", "delta_e00_pixel_mean", "lightness_mean"})


def test_a_plugin_shows_its_own_names() -> None:
    assert words.label("my_plugin_score") == "my plugin score"
    assert words.channel_title("my-plugin") == ("My plugin", "")

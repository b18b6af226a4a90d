"""Every figure against pictures made one by one."""

from functools import partial
from typing import Any

import numpy as np
import pytest

from simulacra.errors import UserError
from simulacra.images.pixels import Pixels
from simulacra.seeds import derive_seed
from simulacra.stylegan.networks import noise as noises
from simulacra.stylegan.networks.styles import mix
from simulacra.stylegan.use import Blend, Grid, Maker, Mixing, NoiseByLayer, Picture, Realisations, Truncation
from simulacra.stylegan.use.figure import Figure
from simulacra.stylegan.use.sheet import on_white

from .toys import PLAIN, RICH, drawn, maker, tile

FIGURES = [Picture, Grid, Truncation, Mixing, Blend, Realisations, NoiseByLayer]


@pytest.fixture(params=[PLAIN, RICH], ids=["stylegan1", "stylegan2-rgba"])
def made_by(request: pytest.FixtureRequest) -> Maker:
    return maker(request.param)


def opaque(made_by: Maker, seed: int, psi: float = 1.0, noise: Any = "stored", label: int | None = None) -> Pixels:
    return on_white(made_by.one(seed, label, psi, None, noise))


def test_one_picture_is_whole_with_its_alpha(made_by: Maker) -> None:
    pixels = drawn(Picture.of(seed=9, psi=0.5, noise="seed"), made_by)
    assert np.array_equal(pixels, made_by.one(9, None, 0.5, None, 9))
    assert pixels.shape == (16, 16, made_by.description.colours)


def test_a_picture_resolved_names_its_noise_and_class(made_by: Maker) -> None:
    figure = Picture.of(seed=9, noise="seed").resolved(made_by)
    assert figure.noise == 9 and figure.label == made_by.label(9, None)
    assert np.array_equal(drawn(figure, made_by), drawn(Picture.of(seed=9, noise="seed"), made_by))


def test_a_grid_shows_seeds_in_reading_order(made_by: Maker) -> None:
    sheet = drawn(Grid.of(seeds=(4, 2, 7, 0, 1), columns=3, psi=0.8, noise="seed"), made_by)
    for index, seed in enumerate((4, 2, 7, 0, 1)):
        shown = tile(sheet, index // 3, index % 3, columns=3, captions=True)
        assert np.array_equal(shown, opaque(made_by, seed, 0.8, "seed"))


def test_truncation_goes_from_the_picture_to_the_average(made_by: Maker) -> None:
    sheet = drawn(Truncation.of(seeds=(1, 2), psis=(1, 0.5, 0, -1)), made_by)
    at = partial(tile, sheet, columns=4, heads=True)
    assert np.array_equal(at(0, 2), at(1, 2)), "psi 0 gives one picture for all seeds"
    for row, seed in enumerate((1, 2)):
        for column, psi in enumerate((1, 0.5, 0, -1)):
            assert np.array_equal(at(row, column), opaque(made_by, seed, psi))
    assert not np.array_equal(at(0, 1), at(1, 1))


def test_a_cutoff_spares_the_fine_layers(made_by: Maker) -> None:
    count = len(made_by.description.layers)
    whole, none = (drawn(Truncation.of(seeds=(1,), psis=(0.3,), cutoff=cutoff), made_by) for cutoff in (count, 0))
    assert np.array_equal(tile(whole, 0, 0, columns=1, heads=True), opaque(made_by, 1, 0.3))
    assert np.array_equal(tile(none, 0, 0, columns=1, heads=True), opaque(made_by, 1))


def test_mixing_takes_the_named_layers_from_the_source(made_by: Maker) -> None:
    sheet = drawn(Mixing.of(sources=(1, 2), targets=(3, 4), layers=("2-5", "all"), label=_label(made_by)), made_by)
    at = partial(tile, sheet, columns=3, heads=True)
    label = _label(made_by)
    for index, seed in enumerate((1, 2)):
        assert np.array_equal(at(0, 1 + index), opaque(made_by, seed, label=label))
        assert np.array_equal(at(1 + index, 0), opaque(made_by, (3, 4)[index], label=label))
        assert np.array_equal(at(2, 1 + index), at(0, 1 + index)), "all layers make it the source"
        target, source = (made_by.styles(made_by.w(each, label)) for each in (3, seed))
        meant = made_by.pixels(mix([target, source, target], [2, 6]), made_by.noise("stored", 3))
        assert np.array_equal(at(1, 1 + index), on_white(meant))


def test_mixing_deals_groups_out_coarse_first(made_by: Maker) -> None:
    dealt = drawn(Mixing.of(sources=(1,), targets=(3, 4, 5)), made_by)
    said = drawn(Mixing.of(sources=(1,), targets=(3, 4, 5), layers=("coarse", "coarse", "middle")), made_by)
    assert np.array_equal(dealt, said), "pictures of 16 px have no fine layers"


def test_a_blend_of_layers_is_a_mix(made_by: Maker) -> None:
    label, last = _label(made_by), len(made_by.description.layers) - 1
    figure = Blend.of(sources=(1, 2), layers=("0-2", f"3-{last}"), alone=True, label=label, noise="seed")
    styles = [made_by.styles(made_by.w(seed, label)) for seed in (1, 2)]
    meant = made_by.pixels(mix(styles, [3]), made_by.noise("seed", 1))
    assert np.array_equal(drawn(figure, made_by), meant)


def test_a_blend_weighs_its_sources(made_by: Maker) -> None:
    label = _label(made_by)
    one, other = (made_by.w(seed, label) for seed in (1, 2))
    figure = Blend.of(sources=(1, 2), weights=(3, 1), alone=True, label=label)
    meant = made_by.pixels(
        made_by.styles((0.75 * one.double() + 0.25 * other.double()).float()), made_by.noise("stored", 1)
    )
    # One level: the mean is rounded once here and once there, before a network that may enlarge it.
    assert np.abs(drawn(figure, made_by).astype(int) - meant).max() <= 1
    first = drawn(Blend.of(sources=(1, 2), weights=(5, 0), label=label), made_by)
    assert np.array_equal(tile(first, 0, 2, columns=3, captions=True), tile(first, 0, 0, columns=3, captions=True))


def test_layers_that_no_source_names_are_the_first_ones(made_by: Maker) -> None:
    label = _label(made_by)
    named = Blend.of(sources=(1, 2), layers=("0", "1-3"), alone=True, label=label)
    last = len(made_by.description.layers) - 1
    whole = Mixing.of(sources=(2,), targets=(1,), layers=("1-3",), label=label)
    assert last > 3
    assert np.array_equal(on_white(drawn(named, made_by)), tile(drawn(whole, made_by), 1, 1, columns=2, heads=True))


def test_noise_realisations_share_the_latent_and_the_map_is_their_deviation(made_by: Maker) -> None:
    figure = Realisations.of(seeds=(6,), shown=2, draws=5)
    made = [opaque(made_by, 6, noise=derive_seed(6, "noise realisation", draw)) for draw in range(5)]
    sheet = drawn(figure, made_by)
    assert all(np.array_equal(tile(sheet, 0, draw, columns=3, heads=True), made[draw]) for draw in range(2))
    meant = np.stack(made).mean(axis=3).std(axis=0)
    assert meant.max() > 0
    # Two formulas in float64 over five numbers below 256.
    assert np.allclose(figure.deviation(made_by, 6), meant, atol=1e-10)
    shown = tile(sheet, 0, 2, columns=3, heads=True)
    assert np.array_equal(shown, np.repeat(np.rint((4 * meant).clip(0, 255))[..., None], 3, axis=2))


def test_noise_by_layer_silences_what_the_column_says(made_by: Maker) -> None:
    sheet = drawn(NoiseByLayer.of(seeds=(6,), split=8), made_by)
    at = partial(tile, sheet, 0, columns=4, heads=True)
    description = made_by.description
    below = [layer.row for layer in description.layers if layer.resolution < 8]
    fine = noises.scaled(description, made_by.noise("stored", 6), 0.0, range(below[-1] + 1))
    assert np.array_equal(at(0), opaque(made_by, 6))
    assert np.array_equal(at(1), opaque(made_by, 6, noise="none"))
    assert np.array_equal(at(2), on_white(made_by.pixels(made_by.styles(made_by.w(6)), fine)))
    assert not any(np.array_equal(at(3), at(column)) for column in range(3))


def test_noise_by_layer_gives_a_column_to_every_range(made_by: Maker) -> None:
    sheet = drawn(NoiseByLayer.of(seeds=(6,), layers=("0-1", "2", "coarse")), made_by)
    at = partial(tile, sheet, 0, columns=5, heads=True)
    count = len(made_by.description.layers)
    for column, rows in enumerate((range(2), range(2, 3), made_by.description.group("coarse")), start=2):
        silenced = made_by.noise("stored", 6)
        for outside in (range(rows[0]), range(rows[-1] + 1, count)):
            silenced = noises.scaled(made_by.description, silenced, 0.0, outside)
        assert np.array_equal(at(column), on_white(made_by.pixels(made_by.styles(made_by.w(6)), silenced)))


@pytest.mark.parametrize("figure", FIGURES)
def test_figures_survive_json(figure: type[Figure]) -> None:
    made = figure.of(psi=0.25, noise=8) if "psi" in figure.model_fields else figure.of(noise=8)
    assert figure.of(**made.model_dump(mode="json")) == made


@pytest.mark.parametrize(
    ("figure", "settings", "sentence"),
    [
        (Picture, {"psi": float("nan")}, r"^psi is nan: .*finite number"),
        (Picture, {"psi": float("inf")}, r"^psi is inf: .*finite number"),
        (Picture, {"seed": -1}, r"^seed is -1: .*\(of the latent: a whole number, 0 or more\)$"),
        (Grid, {"columns": 0}, r"^columns is 0: "),
        (Grid, {"column": 3}, r"^setting of the figure grid 'column' is unknown; did you mean columns\?$"),
        (Realisations, {"draws": 1}, r"^draws is 1: .*2 or more"),
    ],
)
def test_settings_that_break_their_rule_are_refused(
    figure: type[Figure], settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        figure.of(**settings)


@pytest.mark.parametrize(
    ("figure", "settings", "sentence"),
    [
        (Picture, {"cutoff": 7}, "^--cutoff is 7; it must be 0 to 6, the layers of this network$"),
        (Grid, {"cutoff": -1}, "^--cutoff is -1; it must be 0 to 6"),
        (Picture, {"label": 0}, "^class 0 was asked for, and this network has no classes; leave --class out$"),
        (Mixing, {"layers": ("coarse", "middle")}, "^--layers names 2 groups for 6 targets; give one for each target"),
        (Mixing, {"layers": ("fine",)}, "^this network has no fine layers"),
        (Blend, {"weights": (1.0,)}, "^--weights has 1 entries for 3 sources; give one for each source$"),
        (Blend, {"weights": (1.0, -1.0, 0.0)}, "^the weights of layer 0 add up to 0"),
        (NoiseByLayer, {"layers": ("0-99",)}, "^layers are '0-99'; this network has coarse"),
        (NoiseByLayer, {"layers": ("0",), "split": 8}, "^--split and --layers both say which layers have noise; give"),
        (NoiseByLayer, {"split": 4}, "^--split is 4; it must be a resolution of this network above 4 px: 8, 16$"),
    ],
)
def test_settings_that_do_not_fit_the_network_are_refused(
    figure: type[Figure], settings: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UserError, match=sentence):
        figure.of(**settings).drawn(maker(PLAIN))


def test_a_class_that_is_not_there_is_refused() -> None:
    with pytest.raises(UserError, match=r"^class 3 was asked for; this network has the classes 0 to 2$"):
        Picture.of(label=3).drawn(maker(RICH))


def test_layers_that_take_no_noise_have_none_to_show() -> None:
    last = len(RICH.layers) - 1  # the layer that makes colours
    with pytest.raises(UserError, match=rf"^--layers names '{last}', and no noise enters there; name layers that have"):
        NoiseByLayer.of(layers=(str(last),)).drawn(maker(RICH))


def test_a_network_without_noise_has_none_to_study() -> None:
    silent = maker(PLAIN.changed(noise=False))
    for figure in (Realisations, NoiseByLayer):
        with pytest.raises(UserError, match=r"^this network takes no noise"):
            figure.of().drawn(silent)


def _label(made_by: Maker) -> int | None:
    return 1 if made_by.description.labels else None

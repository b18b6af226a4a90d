import json
from itertools import pairwise
from pathlib import Path

import pytest

from simulacra.canonical import canonical_json
from simulacra.errors import UserError
from simulacra.stylegan.networks import Description


def test_the_configs_change_one_thing_each() -> None:
    switches = [
        {
            name: getattr(Description.stylegan1(letter), name)
            for name in ("blur", "styles", "constant", "noise", "mixing")
        }
        for letter in "ABCDEF"
    ]
    changed = [[name for name in one if one[name] != other[name]] for one, other in pairwise(switches)]
    assert changed == [["blur"], ["styles"], ["constant"], ["noise"], ["mixing"]]
    assert [Description.stylegan1(letter).mapping_depth for letter in "ABCDEF"] == [0, 0, 8, 8, 8, 8]


def test_feature_maps_of_the_paper() -> None:
    description = Description.stylegan1()
    assert [description.channels(side) for side in description.resolutions] == [*[512] * 4, 256, 128, 64, 32, 16]
    assert [Description.stylegan2().channels(side) for side in (64, 128, 1024)] == [512, 256, 32]


@pytest.mark.parametrize("description", [Description.stylegan1(), Description.stylegan2(resolution=64, labels=3)])
def test_goes_to_json_and_back(description: Description) -> None:
    text = json.dumps(description.to_json())
    again = Description.from_json(json.loads(text))
    assert again == description
    assert hash(again) == hash(description)
    assert canonical_json(again.to_json()) == canonical_json(description.to_json())


def test_layers_of_both_families() -> None:
    one, two = Description.stylegan1(resolution=16), Description.stylegan2(resolution=16)
    assert [layer.name for layer in one.layers] == [
        *("4x4/start", "4x4/conv", "8x8/up", "8x8/conv", "16x16/up", "16x16/conv")
    ]
    assert [layer.name for layer in two.layers] == [
        *("4x4/conv", "8x8/up", "8x8/conv", "16x16/up", "16x16/conv", "16x16/rgb")
    ]
    assert [layer.noisy for layer in two.layers] == [True] * 5 + [False]
    assert [layer.resolution for layer in one.layers] == [4, 4, 8, 8, 16, 16]
    assert two.noise_shapes == ((1, 4, 4), (1, 8, 8), (1, 8, 8), (1, 16, 16), (1, 16, 16))
    assert Description.stylegan1("D", resolution=16).noise_shapes == ()


def test_groups_of_the_paper() -> None:
    description = Description.stylegan1()
    groups = {name: list(description.group(name)) for name in ("coarse", "middle", "fine")}
    assert groups == {"coarse": [*range(4)], "middle": [*range(4, 8)], "fine": [*range(8, 18)]}
    assert not description.changed(resolution=32).group("fine")


def test_the_length_of_w_follows_where_it_must() -> None:
    assert Description.stylegan1(z_dim=64).w_dim == 64
    assert Description.stylegan1(z_dim=64, w_dim=32).w_dim == 32
    assert Description.stylegan1("B", z_dim=64, labels=5).w_dim == 128  # z and the embedded label, unmapped


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"resolution": 48}, r"^resolution is 48; it must be 8, 16, 32"),
        ({"resolution": 4}, r"^resolution is 4; "),
        ({"resolution": 2048}, r"^resolution is 2048; "),
        ({"resolution": "64"}, r"^resolution is '64': .*integer"),
        ({"colours": 1}, r"^colours is 1: .*greater than or equal to 3 \(channels of a picture"),
        ({"mixing": 1.5}, r"^mixing is 1\.5: "),
        ({"mapping_rate": 0.0}, r"^mapping_rate is 0\.0: "),
        ({"channel_base": 0}, r"^channel_base is 0: "),
        ({"labels": -1}, r"^labels is -1: "),
        ({"colors": 3}, r"^field of a description 'colors' is unknown; did you mean colours"),
        ({"styles": False}, r"^constant is True and styles is False, so no picture would depend on z"),
        ({"styles": False, "constant": False}, r"^mixing is 0\.9 and styles is False"),
        ({"mapping_depth": 0, "w_dim": 8}, r"^w_dim is 8; with mapping_depth 0 .* must be 512"),
        ({"family": "stylegan3"}, r"^family is 'stylegan3': "),
    ],
)
def test_refuses_what_is_no_network(changes: dict[str, object], match: str) -> None:
    with pytest.raises(UserError, match=match) as caught:
        Description.stylegan1(**changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("switch", ["blur", "styles", "constant"])
def test_stylegan2_has_these_switches_on(switch: str) -> None:
    with pytest.raises(UserError, match=rf"^{switch} is False; stylegan2 needs True"):
        Description.stylegan2(**{switch: False})
    with pytest.raises(UserError, match=r"^progressive is True; stylegan2 needs False"):
        Description.stylegan2(progressive=True)


def test_an_unknown_config_is_told() -> None:
    with pytest.raises(UserError, match=r"^config 'G' is unknown; there is A, B, C, D, E, F"):
        Description.stylegan1("G")


def test_every_field_is_documented() -> None:
    text = (Path(__file__).parents[3] / "docs" / "stylegan.md").read_text(encoding="utf-8")
    assert not [name for name in Description.model_fields if f"`{name}`" not in text]

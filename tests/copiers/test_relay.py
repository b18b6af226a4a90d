from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from simulacra.copiers import Determinism, make
from simulacra.copiers.conformance import CHECKS
from simulacra.errors import MissingWeights, UserError

PAIR = "relay:copiers=jpeg:quality=30;subsampling=4:4:4|webp:quality=40"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("specification", [PAIR, "relay:copiers=resize:factor=3|identity|resize:filter=box"])
def test_conforms(check: Callable[[str], None], specification: str) -> None:
    check(specification)


def test_its_copiers_take_turns(crop: Tensor) -> None:
    relay, jpeg, webp = make(PAIR), make("jpeg:quality=30,subsampling=4:4:4"), make("webp:quality=40")
    for step in range(1, 6):
        turn = jpeg if step % 2 else webp
        copies, receipts = relay.copy(crop, [0], step)
        assert torch.equal(copies, turn.copy(crop, [0], step)[0])
        assert receipts[0].effective["copier"] == turn.specification
        assert receipts[0].effective["turn"] == (1 if step % 2 else 2)
        assert "quality" in receipts[0].effective


def test_it_is_as_sure_as_its_least_sure_copier() -> None:
    assert make(PAIR).determinism is Determinism.EXACT
    assert make("relay:copiers=jpeg|avif").determinism is Determinism.SAME_MACHINE
    assert make("relay:copiers=command:run=cp {input} {output}|avif").determinism is Determinism.NEVER
    assert not make(PAIR).differentiable and make("relay:copiers=identity|resize").differentiable
    assert not make(PAIR).seeded and make("relay:copiers=jpeg|autoencoder:latent=sample").seeded
    assert not make(PAIR).autonomous


def test_sizes_and_weights_are_those_of_all() -> None:
    relay = make("relay:copiers=realesrgan|ffdnet|realesrgan")
    assert (relay.size_rule.largest, relay.size_rule.multiple) == (4096, 4)
    assert relay.weight_names() == ("realesrgan-x4plus", "ffdnet-colour")
    assert set(relay.weights()) == {
        "1/x4plus.param",
        "1/x4plus.bin",
        "2/ffdnet-colour.pth",
        "3/x4plus.param",
        "3/x4plus.bin",
    }


def test_its_control_is_the_relay_of_their_controls() -> None:
    path = make("relay:copiers=realesrgan|jpeg").resize_path()
    assert path == "relay:copiers=resize:filter=bicubic;factor=4|identity"
    assert [each.specification for each in make(path).copiers] == ["resize:factor=4", "identity"]  # type: ignore[attr-defined]
    assert make(PAIR).resize_path() is None


def test_identity_is_its_copiers_in_their_order() -> None:
    one, same, turned = (make(f"relay:copiers={text}") for text in ("jpeg|webp", "jpeg:quality=75|webp", "webp|jpeg"))
    assert one.operator() == same.operator() != turned.operator()


@pytest.mark.parametrize("listed", ["jpeg", "jpeg|", "|", "relay:copiers=jpeg|webp"])
def test_one_copier_is_no_relay(listed: str) -> None:
    with pytest.raises(UserError, match="two or more specifications with \\| between them"):
        make(f"relay:copiers={listed}")


@pytest.mark.parametrize(
    ("listed", "sentence"),
    [
        ("jpeg|jpg", r"^copier 'jpg' is unknown; did you mean jpeg or jpegxl or jpeg2000\?$"),
        ("jpeg|webp:quality=400", r"^quality of copier webp is 400"),
    ],
)
def test_mistakes_are_those_of_its_copiers(listed: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        make(f"relay:copiers={listed}")


def test_check_asks_each_copier() -> None:
    with pytest.raises(UserError, match=r"type relay:copiers='ONE\|OTHER'$"):
        make("relay").check()
    with pytest.raises(MissingWeights, match="taesd"):
        make("relay:copiers=jpeg|taesd").check()

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor

from simulacra.copiers.contract import Determinism, Receipt
from simulacra.copiers.hosted import Budget, MissingKey, Settings
from simulacra.copiers.hosted.copier import PROMPT
from simulacra.copiers.hosted.openai import OpenAI, OpenAIParameters
from simulacra.copiers.hosted.pictures import open_bytes
from simulacra.errors import UserError
from simulacra.images.pixels import to_picture, to_pixels

from .service import KEY, Service, SimulatedClock, error, made, picture_bytes, raw, reply

PICTURE = torch.full((1, 3, 16, 16), 200 / 255)
COPY = picture_bytes(180)
USAGE = {"input_tokens": 244, "input_tokens_details": {"text_tokens": 50, "image_tokens": 194}, "output_tokens": 1056}
COST = 0.035594  # of that usage, at the prices of gpt-image-1.5


def copier(service: Service, clock: SimulatedClock | None = None, budget: Budget | None = None, **given: Any) -> OpenAI:
    chosen = {"base_url": service.address, "size": "16x16"} | given
    return OpenAI(OpenAIParameters(**chosen), settings=Settings(), budget=budget or Budget(), clock=clock)


def copied(
    copier: OpenAI, picture: Tensor = PICTURE, step: int = 1, seeds: Sequence[int] = (0,)
) -> tuple[Tensor, Receipt]:
    copies, receipts = copier.copy(picture, seeds, step)
    return copies, receipts[0]


def test_sends_the_picture_and_brings_the_copy_back(service: Service) -> None:
    service.script = [made(COPY, usage=USAGE, quality="medium", size="16x16")]
    copies, receipt = copied(copier(service, input_fidelity="high"))
    assert torch.equal(copies, to_picture(np.full((16, 16, 3), 180, np.uint8)))
    asked = service.asked[0]
    assert asked.path == "/v1/images/edits"
    assert asked.headers["authorization"] == f"Bearer {KEY}"
    form = asked.form
    assert np.array_equal(open_bytes(form.pop("image")).pixels, to_pixels(PICTURE))
    assert {name: value.decode() for name, value in form.items()} == {
        "model": "gpt-image-1.5",
        "prompt": PROMPT,
        "n": "1",
        "size": "16x16",
        "quality": "medium",
        "input_fidelity": "high",
        "background": "opaque",
        "output_format": "png",
    }
    assert receipt.refusal is None
    assert receipt.tokens == 1300
    assert receipt.cost_usd == pytest.approx(COST, abs=1e-12)
    assert receipt.effective["served"] == {"quality": "medium", "size": "16x16"}
    assert receipt.effective["answer"] == {"format": "PNG", "asked": "PNG", "told": []}
    assert [attempt["reason"] for attempt in receipt.effective["attempts"]] == ["a picture"]
    assert len(receipt.sent or "") == len(receipt.received or "") == 64


def test_what_the_server_is_to_choose_is_not_sent(service: Service) -> None:
    service.script = [made(COPY)]
    copied(copier(service, quality="server", background="server", size="auto"))
    form = service.asked[0].form
    assert form["size"] == b"auto"
    assert not {"quality", "background", "input_fidelity"} & set(form)


def test_equal_forms_are_equal_bytes(service: Service) -> None:
    service.script = [made(COPY)]
    subject = copier(service)
    first, second = copied(subject)[1], copied(subject)[1]
    assert first.sent == second.sent
    assert copied(copier(service, quality="low"))[1].sent != first.sent


def test_another_shape_goes_out_on_a_canvas_and_comes_back(service: Service) -> None:
    left_to_right = np.broadcast_to(np.linspace(0, 255, 32).astype(np.uint8)[None, :, None], (16, 32, 3))
    service.script = [made(picture_bytes(np.ascontiguousarray(left_to_right)))]
    picture = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(1))
    copies, receipt = copied(copier(service, size="32x16"), picture)
    sent = open_bytes(service.asked[0].form["image"]).pixels
    assert sent.shape == (16, 32, 3)
    assert np.array_equal(sent[:, 8:24], to_pixels(picture))
    assert torch.equal(copies, to_picture(np.ascontiguousarray(left_to_right[:, 8:24])))
    assert receipt.effective["resize"] == {
        "filter": "lanczos",
        "canvas": [32, 16],
        "inside": [16, 16],
        "offset": [8, 0],
        "answered": [32, 16],
    }


def test_a_copy_of_another_size_is_resized_back_and_told(service: Service) -> None:
    service.script = [made(picture_bytes(90, (48, 20)))]
    copies, receipt = copied(copier(service))
    assert copies.shape == PICTURE.shape
    torch.testing.assert_close(copies, torch.full_like(PICTURE, 90 / 255))  # a flat picture stays flat
    assert receipt.effective["resize"]["answered"] == [48, 20]


def test_a_jpeg_is_taken_and_told(service: Service) -> None:
    service.script = [made(picture_bytes(90, format="JPEG"))]
    copies, receipt = copied(copier(service))
    torch.testing.assert_close(copies, torch.full_like(PICTURE, 90 / 255))  # flat grey survives JPEG exactly
    assert receipt.effective["answer"]["format"] == "JPEG"


def test_transparency_is_placed_on_white_and_told(service: Service) -> None:
    from io import BytesIO

    from PIL import Image

    buffer = BytesIO()
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(buffer, "PNG")
    service.script = [made(buffer.getvalue())]
    copies, receipt = copied(copier(service, background="transparent"))
    assert torch.equal(copies, torch.ones_like(PICTURE))
    assert receipt.effective["answer"]["told"] == ["transparency placed on white"]


def test_a_batch_is_under_way_together_and_keeps_its_order(service: Service) -> None:
    def darker(handler: Any, asked: Any) -> None:
        made(picture_bytes(open_bytes(asked.form["image"]).pixels // 2))(handler, asked)

    service.script = [darker]
    batch = torch.stack([torch.full((3, 16, 16), level / 255) for level in (20, 40, 80, 160)])
    copies, receipts = copier(service).copy(batch, [0] * 4, 1)
    assert to_pixels(copies[0])[0, 0, 0] == 10
    assert [int(to_pixels(copy)[0, 0, 0]) for copy in copies] == [10, 20, 40, 80]
    assert len(receipts) == len(service.asked) == 4


def test_a_refusal_by_policy_is_no_frame(service: Service) -> None:
    message = "Your request was rejected by the safety system."
    service.script = [error(400, message, code="moderation_blocked", type="image_generation_user_error")]
    copies, receipt = copied(copier(service))
    assert torch.equal(copies, PICTURE)
    assert receipt.refusal == f"the service refused (moderation_blocked): {message}"
    assert receipt.effective["stopped"] == "refused"
    assert len(service.asked) == 1


def test_an_address_instead_of_a_picture_is_not_followed(service: Service) -> None:
    service.script = [reply({"data": [{"url": service.address}]})]
    receipt = copied(copier(service))[1]
    assert receipt.refusal == "the server answered with an address of a picture, not with the picture"
    assert len(service.asked) == 1


def test_without_usage_the_cost_is_that_of_the_table(service: Service) -> None:
    service.script = [made(COPY)]
    receipt = copied(copier(service, size="1024x1024"))[1]
    # ceil(54 letters / 3) x 5 + 194 x 8 + 1056 x 32 millionths of a dollar
    assert receipt.cost_usd == pytest.approx((18 * 5 + 194 * 8 + 1056 * 32) / 1e6, abs=1e-12)
    assert receipt.tokens is None
    assert receipt.effective["cost"]["basis"] == "table"


def test_without_a_price_the_tokens_are_counted_and_the_cost_is_unknown(service: Service) -> None:
    service.script = [made(COPY, usage={"input_tokens": 7, "output_tokens": 8})]
    receipt = copied(copier(service, model="my-own"))[1]
    assert receipt.cost_usd is None
    assert receipt.tokens == 15
    assert "cost" not in receipt.effective


def test_the_budget_stops_before_the_call_that_might_exceed_it(service: Service) -> None:
    service.script = [made(COPY, usage=USAGE)]
    budget = Budget(3.5 * COST)
    subject = copier(service, budget=budget)
    receipts = [copied(subject, step=step)[1] for step in range(1, 5)]
    assert [receipt.refusal is None for receipt in receipts] == [True, True, True, False]
    assert receipts[3].refusal == (
        "budget of $0.12 reached after copy 3 ($0.11 spent, and the next copy might exceed it); "
        "raise SIMULACRA_BUDGET_USD and type the same command to go on"
    )
    assert receipts[3].effective["stopped"] == "budget"
    assert len(service.asked) == 3
    assert budget.spent_usd == pytest.approx(3 * COST)


def test_a_batch_shares_the_budget(service: Service) -> None:
    service.script = [made(COPY, usage=USAGE)]
    subject = copier(service, budget=Budget(2.5 * COST), size="1024x1024")
    _, receipts = subject.copy(PICTURE.repeat(4, 1, 1, 1), [0] * 4, 1)
    assert sum(receipt.refusal is None for receipt in receipts) == len(service.asked) == 2


def test_check_asks_for_a_key_and_for_a_price_where_there_is_a_budget(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    copier(service).check()
    copier(service, model="my-own").check()
    with pytest.raises(UserError, match=r"^no price of model my-own is known, so the budget in SIMULACRA_BUDGET_USD"):
        copier(service, model="my-own", budget=Budget(1.0)).check()
    monkeypatch.setenv("OPENAI_API_KEY", "  ")
    with pytest.raises(MissingKey, match=r"^copier openai needs a key; type: export OPENAI_API_KEY="):
        copier(service).check()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-with\na-line")
    with pytest.raises(MissingKey, match=r"^OPENAI_API_KEY holds a space or a letter outside ASCII") as caught:
        copier(service).check()
    assert "sk-with" not in str(caught.value)


@pytest.mark.parametrize(
    ("model", "size", "path"),
    [
        ("gpt-image-1.5", "nearest", "hosted-resize"),
        ("gpt-image-2", "nearest", "hosted-resize:sizes=gpt-image-2"),
        ("gpt-image-2.5-flare", "nearest", "hosted-resize:sizes=gpt-image-2"),
        ("gpt-image-1.5", "512x512", "hosted-resize:sizes=512x512"),
        ("gpt-image-1.5", "auto", "hosted-resize:fit=stretch"),
    ],
)
def test_its_control_does_its_resizing(model: str, size: str, path: str) -> None:
    assert OpenAI(OpenAIParameters(model=model, size=size)).resize_path() == path


def test_its_identity_holds_what_decides_the_picture_and_nothing_of_the_person(service: Service) -> None:
    operator = copier(service, budget=Budget(1.0)).operator()
    assert set(operator["parameters"]) == set(OpenAIParameters.model_fields)
    assert KEY not in str(operator)
    assert OpenAI.determinism is Determinism.NEVER and not OpenAI.seeded


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        ({"base_url": "ftp://host/v1"}, "base-url is no address"),
        ({"base_url": "https://"}, "base-url is no address"),
        ({"base_url": "https://host:port/v1"}, "base-url is no address"),
        ({"base_url": "https://me:secret@host/v1"}, "base-url holds a user, a query or a fragment"),
        ({"base_url": "https://host/v1?key=secret"}, "base-url holds a user, a query or a fragment"),
        ({"base_url": "http://example.org/v1"}, "would send the key to example.org unencrypted"),
        ({"model": "a b"}, "model is 'a b'"),
        ({"prompt": " "}, "prompt has 1 letters"),
        ({"prompt": "copy,please=now"}, "prompt holds ',please=', which reads as another parameter"),
        ({"size": "large"}, "size is large; it must be nearest, auto or WIDTHxHEIGHT"),
        ({"size": "gpt-image-1"}, "it must be nearest, auto or WIDTHxHEIGHT"),
    ],
)
def test_refuses_parameters_in_words_that_hold_no_secret(given: dict[str, str], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule) as caught:
        OpenAIParameters(**given)
    reason = caught.value.errors(include_input=False)[0]["msg"]
    assert "secret" not in reason


@pytest.mark.parametrize("address", ["http://localhost:8000/v1/", "http://192.168.1.5/v1", "http://box.local/v1"])
def test_a_server_nearby_needs_no_encryption(address: str) -> None:
    assert OpenAIParameters(base_url=address).base_url == address.rstrip("/")


def test_damaged_pictures_are_asked_for_again(service: Service, clock: SimulatedClock) -> None:
    cut = picture_bytes(np.random.default_rng(1).integers(0, 256, (16, 16, 3), np.uint8))[:-60]
    service.script = [
        reply({"data": [{"b64_json": "iVBORw0KGgo"}]}),  # base64 cut off within a group of four
        made(cut),
        made(b"GIF89a, or so it says"),
        reply({"data": []}),
        raw(200, b""),
        made(COPY),
    ]
    copies, receipt = copied(copier(service, clock))
    assert receipt.refusal is None
    assert to_pixels(copies)[0, 0, 0] == 180
    reasons = [attempt["reason"] for attempt in receipt.effective["attempts"]]
    assert reasons[0] == "a picture whose base64 is damaged or cut off"
    assert reasons[1].startswith("the picture in the answer is damaged or cut off: ")
    assert reasons[2].startswith("the picture in the answer is not a picture")
    assert reasons[3:] == ["an answer without a picture", "an empty answer", "a picture"]
    assert receipt.effective["cost"]["at_least"]
    assert not any(str(Path("/")) in reason for reason in reasons)

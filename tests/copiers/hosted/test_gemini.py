from base64 import b64decode
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from simulacra.copiers.contract import Receipt
from simulacra.copiers.hosted import Budget, Settings
from simulacra.copiers.hosted.gemini import Gemini, GeminiParameters
from simulacra.copiers.hosted.pictures import open_bytes
from simulacra.images.pixels import to_picture, to_pixels

from .service import KEY, Asked, Service, SimulatedClock, error, picture_bytes, reply, shown, spoken

PICTURE = torch.full((1, 3, 16, 16), 200 / 255)
USAGE = {
    "promptTokenCount": 1140,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 20}, {"modality": "IMAGE", "tokenCount": 1120}],
    "candidatesTokenCount": 1120,
    "candidatesTokensDetails": [{"modality": "IMAGE", "tokenCount": 1120}],
    "thoughtsTokenCount": 100,
}


def copier(service: Service, clock: SimulatedClock | None = None, **given: Any) -> Gemini:
    chosen = {"base_url": service.address, "size": "auto"} | given
    return Gemini(GeminiParameters(**chosen), settings=Settings(), budget=Budget(), clock=clock)


def copied(copier: Gemini, picture: Tensor = PICTURE, step: int = 1) -> tuple[Tensor, Receipt]:
    copies, receipts = copier.copy(picture, [0], step)
    return copies, receipts[0]


def chain(copier: Gemini, copies: int, picture: Tensor = PICTURE) -> list[Receipt]:
    """A chain as the experiment makes it: each copy from the 8-bit frame before."""
    receipts = []
    for step in range(1, copies + 1):
        made, receipt = copied(copier, to_picture(to_pixels(picture)), step)
        receipts.append(receipt)
        picture = made
    return receipts


def pictures_of(asked: Asked) -> list[int]:
    """The grey level of every picture in a request, in order."""
    parts = [part for content in asked.json["contents"] for part in content["parts"]]
    return [
        int(open_bytes(b64decode(part["inlineData"]["data"])).pixels[0, 0, 0]) for part in parts if "inlineData" in part
    ]


def darkening(handler: Any, asked: Asked) -> None:
    """Copies the last picture it can see, ten levels darker, and signs its turn."""
    level = pictures_of(asked)[-1] - 10
    spoken(shown(picture_bytes(level), thoughtSignature=f"signed {level}"))(handler, asked)


def test_sends_the_picture_and_brings_the_copy_back(service: Service) -> None:
    service.script = [spoken(shown(picture_bytes(180)), usageMetadata=USAGE, modelVersion="gemini-3.1-flash-image-002")]
    copies, receipt = copied(copier(service, resolution="2K"))
    assert torch.equal(copies, to_picture(np.full((16, 16, 3), 180, np.uint8)))
    asked = service.asked[0]
    assert asked.path == "/v1/models/gemini-3.1-flash-image:generateContent"
    assert asked.headers["x-goog-api-key"] == KEY
    assert "authorization" not in asked.headers
    assert asked.json["generationConfig"] == {"responseModalities": ["IMAGE"], "imageConfig": {"imageSize": "2K"}}
    assert [content["role"] for content in asked.json["contents"]] == ["user"]
    assert pictures_of(asked) == [200]
    assert receipt.tokens == 2360
    # 20 x 0.5 + 1120 x 0.5 + 100 x 3 + 1120 x 60 millionths of a dollar
    assert receipt.cost_usd == pytest.approx(0.06807, abs=1e-12)
    assert receipt.effective["served"] == {"model_version": "gemini-3.1-flash-image-002"}


def test_the_nearest_aspect_ratio_is_asked_for(service: Service) -> None:
    service.script = [spoken(shown(picture_bytes(180)))]
    receipt = copied(copier(service, size="nearest"), torch.rand(1, 3, 20, 30))[1]
    assert service.asked[0].json["generationConfig"]["imageConfig"] == {"aspectRatio": "3:2"}
    assert receipt.effective["resize"]["canvas"] == [1264, 848]


def test_sketches_of_a_thinking_model_are_no_answer(service: Service) -> None:
    sketch = shown(picture_bytes(1), thought=True)
    service.script = [spoken({"text": "hm", "thought": True}, sketch, {"text": "Here:"}, shown(picture_bytes(180)))]
    assert int(to_pixels(copied(copier(service))[0])[0, 0, 0]) == 180


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (spoken({"text": "I cannot copy\nreal people."}), "the model answered in words: I cannot copy real people."),
        (
            reply({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
            "the service refused the picture or the prompt (PROHIBITED_CONTENT)",
        ),
        (reply({"candidates": [{"finishReason": "IMAGE_SAFETY"}]}), "the model refused (IMAGE_SAFETY)"),
        (
            reply({"candidates": [{"finishReason": "RECITATION", "content": {"parts": [{"text": "known"}]}}]}),
            "the model refused (RECITATION): known",
        ),
    ],
)
def test_a_refusal_is_no_frame_and_is_not_asked_again(answer: Any, refusal: str, service: Service) -> None:
    service.script = [answer]
    copies, receipt = copied(copier(service))
    assert receipt.refusal == refusal
    assert receipt.effective["stopped"] == "refused"
    assert torch.equal(copies, PICTURE)
    assert len(service.asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        reply({"candidates": []}),
        reply({"candidates": [{"finishReason": "NO_IMAGE"}]}),
        reply({"candidates": [{"content": {"parts": []}, "finishReason": "STOP"}]}),
        reply({"candidates": [{"content": {"parts": [5, {"inlineData": {"data": "x"}}]}}]}),
        reply({"candidates": "none", "usageMetadata": 3}),
    ],
)
def test_an_answer_with_nothing_in_it_is_asked_for_again(answer: Any, service: Service, clock: SimulatedClock) -> None:
    service.script = [answer, spoken(shown(picture_bytes(180)))]
    receipt = copied(copier(service, clock))[1]
    assert receipt.refusal is None
    assert len(receipt.effective["attempts"]) == 2


def test_a_wrong_key_and_a_wait_are_understood_in_this_services_words(service: Service, clock: SimulatedClock) -> None:
    wait = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "39s"}]
    bad = [{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]
    service.script = [
        error(429, "quota", code=429, status="RESOURCE_EXHAUSTED", details=wait),
        error(400, "API key not valid.", code=400, status="INVALID_ARGUMENT", details=bad),
    ]
    receipt = copied(copier(service, clock))[1]
    assert clock.slept == [39.0]
    assert receipt.effective["stopped"] == "key"
    assert "refused the key in GEMINI_API_KEY" in (receipt.refusal or "")


def test_fresh_calls_send_the_newest_frame_alone(service: Service) -> None:
    service.script = [darkening]
    receipts = chain(copier(service), 3)
    assert [pictures_of(asked) for asked in service.asked] == [[200], [190], [180]]
    assert "conversation" not in receipts[2].effective


def test_a_conversation_sends_its_turns_again_word_for_word(service: Service) -> None:
    service.script = [darkening]
    receipts = chain(copier(service, context="conversation"), 3)
    assert [pictures_of(asked) for asked in service.asked] == [[200], [200, 190], [200, 190, 180]]
    contents = service.asked[2].json["contents"]
    assert [content["role"] for content in contents] == ["user", "model", "user", "model", "user"]
    assert [content["parts"][0].get("thoughtSignature") for content in contents[1::2]] == ["signed 190", "signed 180"]
    assert all("text" in content["parts"][0] for content in contents[::2])
    assert receipts[2].effective["conversation"] == {"turn": 3, "turns_sent_again": 2}


def test_a_conversation_forgets_its_oldest_turns(service: Service) -> None:
    service.script = [darkening]
    receipts = chain(copier(service, context="conversation", turns=2), 5)
    # The oldest turn kept opens with the picture it was to copy: the model's own, as it came.
    assert pictures_of(service.asked[4]) == [180, 170, 160]
    assert receipts[4].effective["conversation"] == {"turn": 5, "turns_sent_again": 2}


def test_a_conversation_does_not_survive_its_process_and_no_other_takes_its_place(service: Service) -> None:
    resumed = copier(service, context="conversation")
    copies, receipt = copied(resumed, PICTURE, step=38)
    assert receipt.refusal == (
        "no conversation ends with frame 37: it lives in the memory of the command that began it, and knows only "
        "pictures that it made itself; begin a new chain with another --seed, or type context=fresh"
    )
    assert receipt.effective["stopped"] == "conversation"
    assert torch.equal(copies, PICTURE)
    assert not service.asked


def test_a_conversation_may_begin_where_a_fork_does(service: Service) -> None:
    service.script = [darkening]
    forked = copier(service, context="conversation", begins=38)
    assert "begins is 38, so there is no conversation for copy 37 yet" in (copied(forked, PICTURE, 37)[1].refusal or "")
    made, first = copied(forked, PICTURE, 38)
    second = copied(forked, made, 39)[1]
    assert [receipt.effective["conversation"]["turn"] for receipt in (first, second)] == [1, 2]


def test_a_conversation_is_not_taken_up_by_a_chain_that_begins(service: Service) -> None:
    # The model gives the picture back as it is: the newest frame of one replicate is the original of the next.
    service.script = [spoken(shown(picture_bytes(200)))]
    subject = copier(service, context="conversation")
    turns = [copied(subject, PICTURE, step)[1].effective["conversation"]["turn"] for step in (1, 1, 2, 2)]
    assert turns == [1, 1, 2, 2]


def test_a_stop_within_a_conversation_promises_no_resume(service: Service, clock: SimulatedClock) -> None:
    service.script = [darkening, error(500, "down")]
    subject = copier(service, clock, context="conversation")
    made, _ = copied(subject)
    assert (copied(subject, made, 2)[1].refusal or "").endswith("; begin a new chain with another --seed")
    fresh = copied(copier(service, clock), made, 2)[1]
    assert (fresh.refusal or "").endswith("; type the same command to go on")


def test_conversations_of_parallel_chains_stay_apart(service: Service) -> None:
    service.script = [darkening]
    subject = copier(service, context="conversation")
    batch = torch.cat([PICTURE, torch.full((1, 3, 16, 16), 100 / 255), PICTURE])
    first, _ = subject.copy(batch, [0] * 3, 1)
    second, receipts = subject.copy(first, [0] * 3, 2)
    assert [int(to_pixels(copy)[0, 0, 0]) for copy in second] == [180, 80, 180]
    assert [receipt.effective["conversation"]["turn"] for receipt in receipts] == [2, 2, 2]


def test_a_failed_call_leaves_the_conversation_as_it_was(service: Service, clock: SimulatedClock) -> None:
    service.script = [darkening, error(400, "not now"), darkening]
    subject = copier(service, clock, context="conversation")
    made, _ = copied(subject)
    assert copied(subject, made, 2)[1].refusal is not None
    assert copied(subject, made, 2)[1].effective["conversation"] == {"turn": 2, "turns_sent_again": 1}


def test_its_control_does_its_resizing() -> None:
    assert Gemini().resize_path() == "hosted-resize:sizes=gemini-1K"
    assert Gemini(GeminiParameters(model="gemini-2.5-flash-image")).resize_path() == "hosted-resize:sizes=gemini-2.5"
    assert Gemini(GeminiParameters(size="auto", resolution="4K")).resize_path() == (
        "hosted-resize:sizes=gemini-4K,fit=stretch"
    )
    assert Gemini(GeminiParameters(context="conversation")).resize_path() is None

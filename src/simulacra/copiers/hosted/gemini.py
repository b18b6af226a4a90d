"""Gemini's image models, `POST {base-url}/models/{model}:generateContent`: asked afresh, or in one conversation."""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

from pydantic import Field

from simulacra.copiers.hosted.budget import Budget
from simulacra.copiers.hosted.calling import ONWARD, Reader, Reply
from simulacra.copiers.hosted.canvas import RATIOS, SIZES, Placement, Sizes
from simulacra.copiers.hosted.copier import Exchange, HostedCopier, HostedParameters
from simulacra.copiers.hosted.judging import Again, Halt, Stop, clean
from simulacra.copiers.hosted.pacing import Clock
from simulacra.copiers.hosted.prices import Price, Usage
from simulacra.copiers.hosted.resizing import HostedResize, HostedResizeParameters
from simulacra.copiers.hosted.settings import Settings
from simulacra.copiers.hosted.transport import Request

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.images.pixels import Pixels

_WILL_NOT = ("SAFETY", "RECITATION", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "LANGUAGE")
"""Reasons for an end that mean "I will not"; those of the picture have IMAGE_ before them."""

_ANEW = "begin a new chain with another --seed"
"""What a person does when a conversation has ended before its time."""


class GeminiParameters(HostedParameters):
    """Which model, how large, and whether it remembers."""

    base_url: str = Field("https://generativelanguage.googleapis.com/v1beta", description="address up to the version")
    model: str = Field("gemini-3.1-flash-image", description="name of the model, as the service lists it")
    context: Literal["fresh", "conversation"] = Field(
        "fresh", description="fresh: each copy is a call of its own; conversation: the model sees its earlier copies"
    )
    begins: int = Field(
        1,
        ge=1,
        description="number of the copy that begins the conversation: after a fork, the first one of the new leg",
    )
    turns: int = Field(6, ge=1, le=100, description="earlier turns that a conversation sends again, the newest ones")
    size: Literal["nearest", "auto"] = Field(
        "nearest", description="nearest: the aspect ratio nearest to the picture's; auto: the model chooses"
    )
    resolution: Literal["1K", "2K", "4K"] = Field("1K", description="about 1, 4 or 16 million pixels")
    modalities: Literal["image", "text-image"] = Field(
        "image", description="what the model may answer with; older models need text-image"
    )


@dataclass(frozen=True)
class _Turn:
    """One exchange of a conversation."""

    opening: tuple[str, bytes] = field(repr=False)  # type and bytes of the picture that this turn was to copy
    content: Mapping[str, Any] = field(repr=False)  # the model's side, word for word: it may hold a signature


@dataclass(frozen=True)
class _Conversation:
    """What has been said so far."""

    turn: int = 0  # turns so far, those forgotten included
    kept: tuple[_Turn, ...] = ()
    shown: tuple[str, bytes] = field(default=("", b""), repr=False)  # the model's newest picture, as it came


class Gemini(HostedCopier):
    """A model that can be asked afresh each time or within one conversation, which makes another chain of it.

    In a conversation the first copy sends the picture; each later one sends the turns before it and the prompt, so that
    the model copies its own picture as it made it. The contract hands a copier nothing but a picture, so a conversation
    is found by its newest frame: the copier keeps it in memory under that frame's digest. When a run is resumed, the
    memory is gone, and it cannot be made up from the frames: newer models sign their turns and refuse unsigned ones. A
    new conversation in its place would be another experiment under the same name, so the copy is refused, unasked.
    """

    family = "gemini"
    summary = "asks a Gemini image model for a replica, afresh or in one conversation"
    origin = "Google Gemini API, generateContent; weights are not published"
    key_variable = "GEMINI_API_KEY"
    Parameters = GeminiParameters
    parameters: GeminiParameters

    def __init__(
        self,
        parameters: GeminiParameters | None = None,
        *,
        settings: Settings | None = None,
        budget: Budget | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare a copier without memories; see `HostedCopier`."""
        super().__init__(parameters, settings=settings, budget=budget, clock=clock)
        # By turns so far and digest of the newest frame; replicates may share both.
        self._conversations: dict[tuple[int, str], list[_Conversation]] = {}
        self._lock = Lock()

    def resize_path(self) -> str | None:
        """The same way to the service's size and back; None in a conversation, whose pictures stay at the service."""
        chosen = self.parameters
        if chosen.context == "conversation":
            return None
        fit = "stretch" if chosen.size == "auto" else chosen.fit
        return HostedResize(HostedResizeParameters(sizes=self._set, fit=fit, filter=chosen.filter)).specification

    @property
    def _set(self) -> str:
        chosen = self.parameters
        return "gemini-2.5" if chosen.model.startswith("gemini-2.5") else f"gemini-{chosen.resolution}"

    def _sizes(self) -> Sizes | None:
        return None if self.parameters.size == "auto" else SIZES[self._set]

    def _exchange(self, picture: "Tensor", data: bytes, placement: Placement, step: int) -> Exchange:
        chosen = self.parameters
        image: dict[str, Any] = {}
        if chosen.size == "nearest":
            image["aspectRatio"] = next(ratio for ratio, size in RATIOS[self._set].items() if size == placement.canvas)
        if chosen.resolution != "1K":
            image["imageSize"] = chosen.resolution
        asked = {
            "responseModalities": chosen.modalities.upper().split("-"),
            **({"imageConfig": image} if image else {}),
        }
        before = self._recall(_frame(picture), step) if chosen.context == "conversation" else None
        contents = self._contents(before or _Conversation(), data)
        body = json.dumps({"contents": contents, "generationConfig": asked}).encode()
        url = f"{chosen.base_url}/models/{quote(chosen.model)}:generateContent"
        request = Request(url, "application/json", body, "x-goog-api-key")
        prompts = (len(contents) + 1) // 2
        effective: dict[str, Any] = {"asked": asked}
        if before is None:
            return Exchange(request, letters=prompts * len(chosen.prompt), effective=effective)

        effective["conversation"] = {"turn": before.turn + 1, "turns_sent_again": len(before.kept)}

        def finish(reply: Reply | None, pixels: "Pixels | None") -> None:
            if reply is None or pixels is None:
                self._remember(_frame(picture), before)
            else:
                self._remember(_digest(pixels), self._after(before, ("image/png", data), reply))

        letters = prompts * len(chosen.prompt)
        return Exchange(request, len(before.kept) + 1, letters, effective, _ANEW if before.kept else ONWARD, finish)

    def _contents(self, before: _Conversation, data: bytes) -> list[dict[str, Any]]:
        """The turns to send: the oldest one kept opens with its picture, and the last is the prompt alone."""
        contents: list[dict[str, Any]] = []
        for turn in before.kept:
            opening = turn.opening if not contents else None
            contents += [self._ask(opening), dict(turn.content)]
        contents.append(self._ask(None if before.kept else ("image/png", data)))
        return contents

    def _ask(self, picture: tuple[str, bytes] | None) -> dict[str, Any]:
        parts: list[dict[str, Any]] = [{"text": self.parameters.prompt}]
        if picture is not None:
            mime, data = picture
            parts.append({"inlineData": {"mimeType": mime, "data": b64encode(data).decode()}})
        return {"role": "user", "parts": parts}

    def _after(self, before: _Conversation, sent: tuple[str, bytes], reply: Reply) -> _Conversation:
        opening = before.shown if before.kept else sent
        turn = _Turn(opening, reply.turn or {})
        return _Conversation(
            before.turn + 1, (*before.kept, turn)[-self.parameters.turns :], (reply.mime, reply.picture)
        )

    def _recall(self, frame: str, step: int) -> _Conversation:
        """The conversation that copy `step` goes on with, which ends with this frame."""
        begins = self.parameters.begins
        if step < begins:
            raise Halt(
                Stop.CONVERSATION,
                f"begins is {begins}, so there is no conversation for copy {step} yet; give begins={step}",
            )
        if step == begins:
            return _Conversation()
        with self._lock:
            waiting = self._conversations.get((step - begins, frame))
            if waiting:
                return waiting.pop()
        raise Halt(
            Stop.CONVERSATION,
            f"no conversation ends with frame {step - 1}: it lives in the memory of the command that began it, and "
            f"knows only pictures that it made itself; {_ANEW}, or type context=fresh",
        )

    def _remember(self, frame: str, conversation: _Conversation) -> None:
        if conversation.kept:
            with self._lock:
                self._conversations.setdefault((conversation.turn, frame), []).append(conversation)

    def _reader(self) -> Reader:
        return Reader(_usage, _reply)

    def _expected(self, known: Price | None, exchange: Exchange, placement: Placement) -> Usage | None:
        if known is None:
            return None
        return known.expected(self.parameters.resolution, "any", letters=exchange.letters, pictures=exchange.pictures)


def _frame(picture: "Tensor") -> str:
    from simulacra.images.pixels import to_pixels

    return _digest(to_pixels(picture))


def _digest(pixels: "Pixels") -> str:
    from simulacra.images.pixels import pixel_digest

    return pixel_digest(pixels)


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = value.get("usageMetadata")
    if not isinstance(usage, Mapping):
        return None
    prompt, answer = _count(usage, "promptTokenCount"), _count(usage, "candidatesTokenCount")
    text_in, text_out = _text(usage, "promptTokensDetails"), _text(usage, "candidatesTokensDetails")
    thoughts = _count(usage, "thoughtsTokenCount")
    # What is not said to be text is picture: that is the dearer of both.
    return Usage(text_in, max(0, prompt - text_in), text_out + thoughts, max(0, answer - text_out))


def _count(usage: Mapping[str, Any], name: str) -> int:
    value = usage.get(name)
    return value if isinstance(value, int) and value >= 0 else 0


def _text(usage: Mapping[str, Any], name: str) -> int:
    listed = usage.get(name)
    rows = [row for row in listed if isinstance(row, Mapping)] if isinstance(listed, list) else []
    return sum(_count(row, "tokenCount") for row in rows if row.get("modality") == "TEXT")


def _reply(value: Mapping[str, Any]) -> Reply:
    listed = value.get("candidates")
    candidate = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
    content = candidate.get("content")
    content = content if isinstance(content, Mapping) else {}
    parts = content.get("parts")
    # A thinking model shows its sketches too; they are no answer.
    spoken = [part for part in parts if isinstance(part, Mapping) and not part.get("thought")] if parts else []
    pictures = [part["inlineData"] for part in spoken if isinstance(part.get("inlineData"), Mapping)]
    if not pictures:
        raise _without_picture(value, candidate, spoken)
    try:
        picture = b64decode(str(pictures[-1].get("data", "")), validate=True)
    except ValueError:
        raise Again("a picture whose base64 is damaged or cut off") from None
    version = value.get("modelVersion")
    served = {"model_version": clean(version)} if isinstance(version, str) else {}
    return Reply(picture, str(pictures[-1].get("mimeType", "image/png")), served, {**content, "role": "model"})


def _without_picture(
    value: Mapping[str, Any], candidate: Mapping[str, Any], spoken: list[Mapping[str, Any]]
) -> Again | Halt:
    feedback = value.get("promptFeedback")
    blocked = feedback.get("blockReason") if isinstance(feedback, Mapping) else None
    ended = str(candidate.get("finishReason", ""))
    said = clean(" ".join(str(part["text"]) for part in spoken if "text" in part))
    if blocked:
        return Halt(Stop.REFUSED, f"the service refused the picture or the prompt ({clean(str(blocked))})")
    if ended.removeprefix("IMAGE_") in _WILL_NOT:
        return Halt(Stop.REFUSED, f"the model refused ({ended}){f': {said}' if said else ''}")
    if said:
        return Halt(Stop.REFUSED, f"the model answered in words: {said}")
    return Again(f"an answer without a picture{f' ({clean(ended)})' if ended else ''}")

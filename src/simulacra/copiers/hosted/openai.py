"""OpenAI's image editing, and every server that speaks its language: `POST {base-url}/images/edits`."""

from base64 import b64decode
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, field_validator

from simulacra.copiers.hosted.calling import Reader, Reply
from simulacra.copiers.hosted.canvas import SIZES, Placement, Sizes, size_of, sizes
from simulacra.copiers.hosted.copier import Exchange, HostedCopier, HostedParameters
from simulacra.copiers.hosted.judging import Again, Halt, Stop, clean
from simulacra.copiers.hosted.prices import Price, Usage
from simulacra.copiers.hosted.resizing import HostedResize, HostedResizeParameters
from simulacra.copiers.hosted.transport import Request

if TYPE_CHECKING:
    from torch import Tensor

_SERVED = ("quality", "size", "background", "output_format")


class OpenAIParameters(HostedParameters):
    """Which model, how well, how faithfully, how large. `server` sends nothing, so that the server's default holds."""

    base_url: str = Field(
        "https://api.openai.com/v1", description="address up to the version; any server that speaks the same language"
    )
    model: str = Field("gpt-image-1.5", description="name of the model, as the service lists it")
    quality: Literal["server", "auto", "low", "medium", "high", "xhigh", "max"] = Field(
        "medium", description="low, medium or high, xhigh or max where the model has them, auto; sets most of the price"
    )
    input_fidelity: Literal["server", "low", "high"] = Field(
        "server", description="how closely the picture sent is looked at; for gpt-image-1 and gpt-image-1.5"
    )
    size: str = Field(
        "nearest", description="nearest: of the sizes the model makes; auto: the server chooses; or WIDTHxHEIGHT"
    )
    background: Literal["server", "auto", "opaque", "transparent"] = Field(
        "opaque", description="opaque, auto or transparent; what is transparent is placed on white"
    )

    @field_validator("size")
    @classmethod
    def _sized(cls, text: str) -> str:
        if text not in ("nearest", "auto") and size_of(text) is None:
            raise ValueError(f"size is {text}; it must be nearest, auto or WIDTHxHEIGHT in pixels")
        return text


class OpenAI(HostedCopier):
    """The model of the trend: told to change nothing, 101 times over. There is no seed to give it."""

    family = "openai"
    summary = "asks OpenAI's image editing, or a compatible server, for a replica"
    origin = "OpenAI Images API, /images/edits; weights are not published"
    key_variable = "OPENAI_API_KEY"
    Parameters = OpenAIParameters
    parameters: OpenAIParameters

    def resize_path(self) -> str | None:
        """The same way to the service's size and back; where the server chooses, a stretch to its usual sizes."""
        chosen = self.parameters
        fit = "stretch" if chosen.size == "auto" else chosen.fit
        named = chosen.size if size_of(chosen.size) else self._set
        return HostedResize(HostedResizeParameters(sizes=named, fit=fit, filter=chosen.filter)).specification

    def fidelity(self) -> Mapping[str, Any]:
        """The picture sent is looked at closely, where the model knows that; see `Copier.fidelity`."""
        return {"input_fidelity": "high"} if self.parameters.model in ("gpt-image-1", "gpt-image-1.5") else {}

    @property
    def _set(self) -> str:
        """Newer models make any size on a grid, older ones three."""
        return "gpt-image-2" if self.parameters.model.startswith("gpt-image-2") else "gpt-image-1"

    def _sizes(self) -> Sizes | None:
        match self.parameters.size:
            case "auto":
                return None
            case "nearest":
                return SIZES[self._set]
            case size:
                return sizes(size)

    def _exchange(self, picture: "Tensor", data: bytes, placement: Placement, step: int) -> Exchange:
        chosen = self.parameters
        size = "auto" if chosen.size == "auto" else "{}x{}".format(*placement.canvas)
        asked = {
            "model": chosen.model,
            "prompt": chosen.prompt,
            "n": "1",
            "size": size,
            "quality": chosen.quality,
            "input_fidelity": chosen.input_fidelity,
            "background": chosen.background,
            "output_format": "png",
        }
        asked = {name: value for name, value in asked.items() if value != "server"}
        body, content_type = _multipart(asked, data)
        request = Request(f"{chosen.base_url}/images/edits", content_type, body, "Authorization", "Bearer ")
        told = {name: value for name, value in asked.items() if name not in ("model", "prompt")}
        return Exchange(request, letters=len(chosen.prompt), effective={"asked": told})

    def _reader(self) -> Reader:
        return Reader(_usage, _reply)

    def _expected(self, known: Price | None, exchange: Exchange, placement: Placement) -> Usage | None:
        if known is None:
            return None
        chosen = self.parameters
        fidelity = "low" if chosen.input_fidelity == "server" else chosen.input_fidelity
        # Where the server chooses the size, the largest of its usual ones.
        width, height = (1536, 1024) if chosen.size == "auto" else placement.canvas
        area = width * height / 1024**2
        return known.expected(chosen.quality, fidelity, letters=exchange.letters, area=area)


def _multipart(fields: Mapping[str, str], data: bytes) -> tuple[bytes, str]:
    """A form with its fields and one PNG. The boundary is a hash of both, so that equal forms are equal bytes."""
    digest = sha256(repr(sorted(fields.items())).encode() + data).hexdigest()
    boundary = f"simulacra-{digest[:32]}"
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="image"; filename="picture.png"\r\n'
    parts += [f"{head}Content-Type: image/png\r\n\r\n".encode(), data, f"\r\n--{boundary}--\r\n".encode()]
    return b"".join(parts), f"multipart/form-data; boundary={boundary}"


def _usage(value: Mapping[str, Any]) -> Usage | None:
    usage = value.get("usage")
    if not isinstance(usage, Mapping):
        return None
    inputs, outputs = (_details(usage, side) for side in ("input", "output"))
    total_in, total_out = _count(usage.get("input_tokens")), _count(usage.get("output_tokens"))
    text_in, text_out = _count(inputs.get("text_tokens")), _count(outputs.get("text_tokens"))
    # What is not said to be text is picture: that is the dearer of both.
    return Usage(text_in, max(0, total_in - text_in), text_out, max(0, total_out - text_out))


def _details(usage: Mapping[str, Any], side: str) -> Mapping[str, Any]:
    details = usage.get(f"{side}_tokens_details")
    return details if isinstance(details, Mapping) else {}


def _count(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _reply(value: Mapping[str, Any]) -> Reply:
    listed = value.get("data")
    first = listed[0] if isinstance(listed, list) and listed and isinstance(listed[0], Mapping) else {}
    encoded = first.get("b64_json")
    if not isinstance(encoded, str) or not encoded:
        if first.get("url"):
            raise Halt(Stop.CALL, "the server answered with an address of a picture, not with the picture")
        raise Again("an answer without a picture")
    try:
        picture = b64decode(encoded, validate=True)
    except ValueError:
        raise Again("a picture whose base64 is damaged or cut off") from None
    served = {name: clean(value[name]) for name in _SERVED if isinstance(value.get(name), str)}
    return Reply(picture, f"image/{served.get('output_format', 'png')}", served)

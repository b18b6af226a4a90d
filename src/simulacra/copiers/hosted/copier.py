"""What hosted copiers share: the picture's way to the service and back, and the receipt."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from hashlib import sha256
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from simulacra.copiers.contract import Copier, Determinism, Parameters, Receipt
from simulacra.copiers.controls import Filter
from simulacra.copiers.hosted.budget import Budget, shared_budget
from simulacra.copiers.hosted.calling import ONWARD, Called, Caller, Reader, Reply
from simulacra.copiers.hosted.canvas import Fit, Placement, Sizes
from simulacra.copiers.hosted.judging import Halt
from simulacra.copiers.hosted.key import Key
from simulacra.copiers.hosted.pacing import Clock, SystemClock, shared_pacer
from simulacra.copiers.hosted.pictures import png
from simulacra.copiers.hosted.prices import PRICES, Price, Usage, price
from simulacra.copiers.hosted.settings import BUDGET_USD, Settings
from simulacra.copiers.hosted.transport import Request
from simulacra.errors import UserError
from simulacra.specification import refuse_separator

if TYPE_CHECKING:
    from torch import Tensor

    from simulacra.images.pixels import Pixels

PROMPT = "create a replica of this image, don't change anything"

_AT_ONCE = 16
"""Calls that are under way together, of one batch or of parallel chains; a service that allows a higher rate is fast
enough for fewer."""


class HostedParameters(Parameters):
    """What every service is told, and how pictures of other sizes get there."""

    base_url: str = Field(description="address of the service, up to the version; any compatible server")
    model: str = Field(description="name of the model, as the service lists it")
    prompt: str = Field(PROMPT, description="what the model is told")
    fit: Fit = Field("pad", description="another shape: padded by reflection and cut off again, or stretched, and back")
    filter: Filter = Field("lanczos", description="filter of the resizing there and back; antialiased but for nearest")

    @field_validator("base_url")
    @classmethod
    def _address(cls, text: str) -> str:
        return checked_address(text)

    @field_validator("model")
    @classmethod
    def _name(cls, text: str) -> str:
        if not text or not all(letter.isalnum() or letter in "-._/:@+" for letter in text):
            raise ValueError(f"model is {text!r}; it must be a name of letters, digits and -._/:@+")
        return text

    @field_validator("prompt")
    @classmethod
    def _told(cls, text: str) -> str:
        if not text.strip() or len(text) > 32_000:
            raise ValueError(f"prompt has {len(text)} letters; it must have 1 to 32,000")
        return refuse_separator("prompt", text)


def checked_address(text: str) -> str:
    """An address that a key may be sent to, without a slash at its end.

    Raises:
        ValueError: it is no address, holds secrets of its own, or would send the key unencrypted over the internet. The
            message does not quote it, because of those secrets.
    """
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise ValueError("base-url is no address; write https://HOST/v1") from error
    if parts.scheme not in ("http", "https") or not host or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("base-url is no address; write https://HOST/v1")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("base-url holds a user, a query or a fragment; keys come from the environment only")
    if parts.scheme == "http" and not _near(host):
        raise ValueError(f"base-url would send the key to {host} unencrypted; write https://{host}")
    return text.rstrip("/")


@dataclass(frozen=True)
class Exchange:
    """One copy's request, and what is left to do once it is answered."""

    request: Request = field(repr=False)
    pictures: int = 1  # that go out
    letters: int = 0  # of the prompts that go out
    effective: Mapping[str, Any] = field(default_factory=dict)
    onward: str = ONWARD
    finish: Callable[[Reply | None, "Pixels | None"], None] = lambda reply, pixels: None


class HostedCopier(Copier):
    """A model behind an address. One picture a call; a batch's calls are under way together."""

    licence = "the terms of the service"
    determinism = Determinism.NEVER
    differentiable = False
    concurrency = _AT_ONCE
    key_variable: ClassVar[str]
    """Environment variable that holds the key."""
    parameters: HostedParameters

    def __init__(
        self,
        parameters: HostedParameters | None = None,
        *,
        settings: Settings | None = None,
        budget: Budget | None = None,
        clock: Clock | None = None,
    ) -> None:
        """Prepare a copier; nothing is sent.

        Args:
            parameters: what decides the picture; None for the defaults.
            settings: time-outs and the rate of calls; None takes those of the environment.
            budget: the purse; None takes the one all hosted copiers of this process share.
            clock: None for the machine's.

        Raises:
            UserError: a variable of the environment breaks its rule.
        """
        super().__init__(parameters)
        self._settings = settings or Settings.from_environment()
        self._budget = budget or shared_budget()
        address = urlsplit(self.parameters.base_url)
        pacer = shared_pacer(address.netloc, self.parameters.model, self._settings.calls_per_minute)
        self._caller = Caller(self._settings, pacer, self._budget, clock or SystemClock())

    def check(self) -> None:
        """Refuse what would stop the first call: no key, or a budget nobody can keep; see `Copier.check`.

        Raises:
            UserError: as the message says, with what to type.
        """
        Key.from_environment(self.key_variable, self.family)
        if self._budget.limit_usd is not None and self._price() is None:
            raise UserError(
                f"no price of model {self.parameters.model} is known, so the budget in {BUDGET_USD} cannot be kept; "
                f"give its price in a file named by {PRICES}, or unset {BUDGET_USD}"
            )

    def copy(self, pictures: "Tensor", seeds: Sequence[int], step: int) -> "tuple[Tensor, list[Receipt]]":
        """Ask the service for a copy of each picture; see `Copier.copy`."""
        import torch

        key = Key.from_environment(self.key_variable, self.family)
        if len(pictures) == 1:
            made = [self._copy_one(pictures, key, step)]
        else:
            with ThreadPoolExecutor(min(len(pictures), _AT_ONCE)) as pool:
                made = list(pool.map(lambda picture: self._copy_one(picture[None], key, step), pictures))
        return torch.cat([copied for copied, _ in made]).to(pictures.device), [receipt for _, receipt in made]

    def _copy_one(self, picture: "Tensor", key: Key, step: int) -> "tuple[Tensor, Receipt]":
        """A copy of one picture, (1, 3, H, W); the picture itself where the receipt says that there is none."""
        from simulacra.images.pixels import to_picture, to_pixels

        picture = picture.detach().cpu()
        height, width = picture.shape[-2:]
        placement = Placement.on(self._sizes(), (width, height), self.parameters.fit, self.parameters.filter)
        try:
            exchange = self._exchange(picture, png(to_pixels(placement.out(picture))), placement, step)
        except Halt as halt:  # there is nothing to ask: no call is made
            return picture, Receipt(
                0.0, {"model": self.parameters.model, "stopped": halt.stop.value}, refusal=str(halt)
            )
        known = self._price()
        called = self._caller.call(
            exchange.request,
            key,
            self._reader(),
            known,
            self._expected(known, exchange, placement),
            step,
            exchange.onward,
        )
        if called.opened is None:
            exchange.finish(None, None)
            copied = picture
        else:
            copied = placement.back(to_picture(called.opened.pixels))
            exchange.finish(called.reply, to_pixels(copied))
        return copied, self._receipt(called, exchange, placement, known)

    def _receipt(self, called: Called, exchange: Exchange, placement: Placement, known: Price | None) -> Receipt:
        effective: dict[str, Any] = {
            "endpoint": exchange.request.url,
            "model": self.parameters.model,
            **exchange.effective,
            "resize": placement.record(),
            "attempts": called.attempts,
        }
        if called.opened is not None and called.reply is not None:
            height, width = called.opened.pixels.shape[:2]
            effective["resize"]["answered"] = [width, height]
            effective["answer"] = {"format": called.opened.format, "asked": "PNG", "told": list(called.opened.told)}
            effective["served"] = dict(called.reply.served)
        if called.request_id:
            effective["request_id"] = called.request_id
        if called.usage is not None:
            effective["usage"] = dict(vars(called.usage))
        if known is not None and called.cost_usd is not None:
            effective["cost"] = {
                "basis": called.cost_basis,
                "prices_read": known.read.isoformat(),
                "at_least": called.cost_at_least,
            }
        if called.stop is not None:
            effective["stopped"] = called.stop.value
        return Receipt(
            seconds=called.seconds,
            effective=effective,
            cost_usd=called.cost_usd,
            tokens=called.usage.total if called.usage is not None else None,
            refusal=called.message if called.stop is not None else None,
            sent=sha256(exchange.request.body).hexdigest(),
            received=called.received,
        )

    def _price(self) -> Price | None:
        return price(self.parameters.model)

    @abstractmethod
    def _sizes(self) -> Sizes | None:
        """The sizes the service makes; None when it is to choose."""

    @abstractmethod
    def _exchange(self, picture: "Tensor", data: bytes, placement: Placement, step: int) -> Exchange:
        """The request for a picture (1, 3, H, W), which is `data` as a PNG on its canvas, to make copy `step` of it.

        Raises:
            Halt: this copy cannot be asked for.
        """

    @abstractmethod
    def _reader(self) -> Reader:
        """How answers are read."""

    @abstractmethod
    def _expected(self, known: Price | None, exchange: Exchange, placement: Placement) -> Usage | None:
        """Tokens the call is expected to take."""


def _near(host: str) -> bool:
    """Whether a host is this machine or in a private network."""
    if host == "localhost" or host.endswith((".localhost", ".local")):
        return True
    try:
        return ip_address(host).is_private
    except ValueError:
        return False

"""One HTTP POST: the whole answer, whatever its status, or why there is none. Redirects would carry the key away."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from ssl import SSLCertVerificationError
from time import monotonic
from urllib.error import URLError
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler
from urllib.request import Request as HTTPRequest

from simulacra.copiers.hosted.key import Key

LARGEST_ANSWER = 256 * 2**20
"""Bytes; a 4K picture in base64 takes about a tenth of it."""

_CHUNK = 2**18


@dataclass(frozen=True)
class Request:
    """What is sent, but for the key, which is added on the way out."""

    url: str
    content_type: str
    body: bytes = field(repr=False)
    key_header: str
    key_prefix: str = ""


@dataclass(frozen=True)
class Answer:
    """What came back, complete, the key taken out of it."""

    status: int
    headers: Mapping[str, str]  # names in lower case
    body: bytes = field(repr=False)


class NoAnswer(Exception):
    """There is no complete answer."""

    def __init__(self, reason: str, *, sent: bool, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.sent = sent  # the server may have worked, and may charge for it
        self.hopeless = hopeless  # trying again cannot help


def post(request: Request, key: Key, timeout_seconds: float) -> Answer:
    """Send a request and read its whole answer. Proxies are those of the environment.

    Args:
        request: what to send.
        key: put into the header that the request names.
        timeout_seconds: for the connection, for the first byte, and for the answer as a whole once bytes come.

    Raises:
        NoAnswer: no connection, no answer in time, or an answer that broke off or is too large.
    """
    headers = {
        "Content-Type": request.content_type,
        "Accept": "application/json",
        "User-Agent": "simulacra",
        request.key_header: request.key_prefix + key.reveal(),
    }
    outgoing = HTTPRequest(request.url, data=request.body, headers=headers, method="POST")
    deadline = monotonic() + timeout_seconds
    try:
        with _opener().open(outgoing, timeout=timeout_seconds) as response:
            body = _whole(response, deadline)
            said = {name.lower(): key.scrub(value.encode()).decode() for name, value in response.headers.items()}
            return Answer(response.status, said, key.scrub(body))
    except URLError as error:  # raised until the request is sent; what goes wrong later comes as it is
        hopeless = isinstance(error.reason, SSLCertVerificationError)
        raise NoAnswer(f"no connection: {_reason(error.reason)}", sent=False, hopeless=hopeless) from None
    except TimeoutError:
        raise NoAnswer(f"no answer within {timeout_seconds:g} s", sent=True) from None
    except (HTTPException, OSError) as error:
        raise NoAnswer(f"the connection broke off: {_reason(error)}", sent=True) from None


def _opener() -> OpenerDirector:
    """Without the handlers that follow redirects or turn a status into an exception."""
    opener = OpenerDirector()
    for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
        opener.add_handler(handler)
    return opener


def _whole(response: HTTPResponse, deadline: float) -> bytes:
    parts, length = [], 0
    while part := response.read1(_CHUNK):  # what is there: read would wait for a whole chunk, however long
        parts.append(part)
        length += len(part)
        if length > LARGEST_ANSWER:
            raise NoAnswer(f"the answer is larger than {LARGEST_ANSWER // 2**20} MiB", sent=True)
        if monotonic() > deadline:
            raise TimeoutError
    if response.length:  # bytes that Content-Length promised; a short read is no exception to http.client
        raise NoAnswer(f"the answer broke off {response.length} bytes before its end", sent=True)
    return b"".join(parts)


def _reason(error: object) -> str:
    return getattr(error, "strerror", None) or str(error) or type(error).__name__

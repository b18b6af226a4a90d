"""A service on this machine that answers as it is told to, and remembers what it was asked."""

import json
from base64 import b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email import message_from_bytes
from email.policy import HTTP
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from threading import Event, Thread
from typing import Any

import numpy as np
from PIL import Image

KEY = "sk-test-0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Asked:
    """One request."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, bytes]:
        """The fields of a multipart form, by the standard library's own parser."""
        head = f"Content-Type: {self.headers['content-type']}\r\n\r\n".encode()
        message = message_from_bytes(head + self.body, policy=HTTP)
        return {
            part.get_param("name", header="content-disposition"): part.get_payload(decode=True)
            for part in message.iter_parts()
        }

    @property
    def json(self) -> Any:
        return json.loads(self.body)


Behaviour = Callable[[BaseHTTPRequestHandler, Asked], None]


class Service:
    """Behaves as its script says, one entry a request; the last entry goes on for ever."""

    def __init__(self) -> None:
        self.script: list[Behaviour] = []
        self.asked: list[Asked] = []
        self.over = Event()  # lets a behaviour that keeps the caller waiting end with the test
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.path, headers, self.rfile.read(int(headers["content-length"])))
                service.asked.append(asked)
                place = min(len(service.asked), len(service.script)) - 1
                service.script[place](self, asked)

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def picture_bytes(levels: int | np.ndarray, size: tuple[int, int] = (16, 16), format: str = "PNG") -> bytes:
    """A picture file: one grey level all over, or the pixels given."""
    pixels = levels if isinstance(levels, np.ndarray) else np.full((size[1], size[0], 3), levels, np.uint8)
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, format)
    return buffer.getvalue()


def raw(status: int, body: bytes, headers: Mapping[str, str] | None = None, promised: int | None = None) -> Behaviour:
    """Any bytes under any status; `promised` bytes are announced."""

    def behave(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
        handler.send_response(status)
        for name, value in (headers or {}).items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if promised is None else promised))
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def reply(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Behaviour:
    """A JSON answer."""
    return raw(status, json.dumps(value).encode(), headers)


def error(code: int, message: str = "no", headers: Mapping[str, str] | None = None, /, **fields: Any) -> Behaviour:
    """An error as both services word it; `code` is the status of the answer."""
    return reply({"error": {"message": message, **fields}}, code, headers)


def made(data: bytes, **fields: Any) -> Behaviour:
    """A picture as OpenAI's service hands it over."""
    return reply({"created": 0, "data": [{"b64_json": b64encode(data).decode()}], **fields})


def spoken(*parts: Mapping[str, Any], **fields: Any) -> Behaviour:
    """An answer as Gemini's service gives it."""
    return reply(
        {"candidates": [{"content": {"role": "model", "parts": list(parts)}, "finishReason": "STOP"}], **fields}
    )


def shown(data: bytes, mime: str = "image/png", **fields: Any) -> dict[str, Any]:
    """A picture as a part of Gemini's answer."""
    return {"inlineData": {"mimeType": mime, "data": b64encode(data).decode()}, **fields}


def hang_up(handler: BaseHTTPRequestHandler, asked: Asked) -> None:
    """Close the connection without a word."""
    handler.close_connection = True


class SimulatedClock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.time = 0.0
        self.slept: list[float] = []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        if seconds:
            self.slept.append(seconds)
            self.time += seconds

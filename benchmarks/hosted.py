"""Claim: parallel chains keep a service's rate limit busy, and never exceed it.

A local server answers every call after two seconds with the picture it was sent, and writes down when each call came.
Ten chains of 30 copies are made as a user makes them, with the rate in the environment. One chain at a time would reach
an eighth of the limit.
"""

import json
import os
import tempfile
from base64 import b64encode
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread
from time import monotonic, sleep
from typing import Any
from unittest.mock import patch

from PIL import Image

from simulacra.copying import copy

CALLS_PER_MINUTE = 240
ANSWER_SECONDS = 2.0
CHAINS, COPIES = 10, 30
BUSY = 0.9


def measure() -> dict[str, Any]:
    came: list[float] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Service,), {"came": came}))
    Thread(target=server.serve_forever, daemon=True).start()
    environment = {"OPENAI_API_KEY": "sk-none", "SIMULACRA_CALLS_PER_MINUTE": str(CALLS_PER_MINUTE), "no_proxy": "*"}
    with tempfile.TemporaryDirectory() as folder, patch.dict(os.environ, environment):
        picture = Path(folder) / "grey.png"
        Image.new("RGB", (64, 64), (90, 120, 150)).save(picture)
        copy(
            picture,
            copier=f"openai:base-url=http://127.0.0.1:{server.server_port}/v1",
            times=COPIES,
            controls=False,
            replicates=CHAINS,
            channels=["colour"],
            store=Path(folder) / "store",
        )
    server.shutdown()
    rate = 60 * (len(came) - 1) / (came[-1] - came[0])
    most = most_in_a_minute(came)
    return {
        "claim": f"parallel chains use at least {BUSY:.0%} of a service's rate limit and never exceed it",
        "limit_per_minute": CALLS_PER_MINUTE,
        "calls": len(came),
        "calls_per_minute": rate,
        "most_in_any_minute": most,
        "one_chain_alone_would_reach": 60 / ANSWER_SECONDS,
        "holds": rate >= BUSY * CALLS_PER_MINUTE and most <= CALLS_PER_MINUTE,
    }


def most_in_a_minute(came: Sequence[float]) -> int:
    """The most calls that any 60 seconds hold."""
    return max(sum(0 <= later - first < 60 for later in came) for first in came)


class _Service(BaseHTTPRequestHandler):
    """Gives every picture back, after a while."""

    came: list[float]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.came.append(monotonic())
        self.rfile.read(int(self.headers["Content-Length"]))
        sleep(ANSWER_SECONDS)
        data = BytesIO()
        Image.new("RGB", (1024, 1024), (90, 120, 150)).save(data, "PNG")
        answer = json.dumps({"created": 0, "data": [{"b64_json": b64encode(data.getvalue()).decode()}]}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments: object) -> None:
        """Say nothing."""

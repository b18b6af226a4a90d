"""What makes a page one file: its style and script from the package, named by their digests in its content policy."""

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files


def asset(name: str) -> str:
    """The text of a file of the room's assets."""
    return (files("simulacra.reports") / "assets" / name).read_text(encoding="utf-8")


def digest_for_policy(text: str) -> str:
    """How a content security policy names the one style or script that it allows."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"

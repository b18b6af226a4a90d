"""What makes a page one file: templates, style and script from the package, the two named by digest in its policy."""

from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from importlib.resources import files
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup


def asset(name: str) -> str:
    """The text of a file of the room's assets."""
    return (files("simulacra.reports") / "assets" / name).read_text(encoding="utf-8")


def templates(**filters: Callable[..., Any]) -> Environment:
    """The room's templates, with filters by name. They escape by themselves: file names are other people's text."""
    made = Environment(
        loader=PackageLoader("simulacra.reports", "assets"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= filters
    return made


def styled(*names: str) -> dict[str, str]:
    """What `base.html` asks of every page: the style made of these assets, and its digest."""
    style = "".join(asset(name) for name in names)
    return {"style": Markup(style), "style_hash": digest_for_policy(style)}


def scripted(*names: str) -> dict[str, str]:
    """What `base.html` asks of a page with a script besides: these assets, in order, in one scope of their own."""
    script = '"use strict";\n(() => {\n' + "\n".join(asset(f"script/{name}") for name in names) + "})();\n"
    return {"script": Markup(script), "script_hash": digest_for_policy(script)}


def digest_for_policy(text: str) -> str:
    """How a content security policy names the one style or script that it allows."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"

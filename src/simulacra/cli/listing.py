"""The listing of what is registered under a name: one kind of thing, or one of it, for people or for machines."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from simulacra.errors import UserError

Made = TypeVar("Made")


def print_listing(
    registered: Mapping[str, Made],
    name: str | None,
    facts: Callable[[str, Made], dict[str, Any]],
    show: Callable[[dict[str, Any]], None],
    *,
    json_: bool,
) -> None:
    """Print what is registered; a plugin that does not load hides no other.

    Args:
        registered: by name; what stands behind one is imported when it is looked up.
        name: show only this one; None for all.
        facts: what there is to say about one, fit for JSON.
        show: prints facts for people.
        json_: print them as JSON.

    Raises:
        UserError: nothing has this name.
    """
    listed = [_facts(registered, each, facts) for each in ([name] if name else registered)]
    if json_:
        print(json.dumps(listed, ensure_ascii=False))
        return
    for each in listed:
        if each["state"] == "broken":
            print(f"{each['name']}  broken\n  {each['reason']}")
        else:
            show(each)
        print()


def _facts(registered: Mapping[str, Made], name: str, facts: Callable[[str, Made], dict[str, Any]]) -> dict[str, Any]:
    try:
        made = registered[name]
    except UserError as error:
        if name not in registered:
            raise
        return {"name": name, "state": "broken", "reason": str(error)}
    return {"name": name, **facts(name, made)}

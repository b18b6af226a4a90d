"""`simulacra measures`: what each number means."""

import json
from dataclasses import asdict
from typing import Annotated

from cyclopts import Parameter


def measures(*, json_: Annotated[bool, Parameter(name="--json", negative=())] = False) -> None:
    """List the measures by channel, with unit, direction, definition and source.

    Parameters
    ----------
    json_
        Print a machine-readable list.
    """
    from simulacra.registry import registry

    channels = [registry("measure")[name]() for name in registry("measure")]
    if json_:
        listed = [{"channel": channel.name, **asdict(measure)} for channel in channels for measure in channel.measures]
        print(json.dumps(listed, ensure_ascii=False))
        return
    for channel in channels:
        reason = channel.unavailable()
        print(f"{channel.name}{f' (not available: {reason})' if reason else ''}")
        for measure in channel.measures:
            direction = "" if measure.better == "neither" else f", {measure.better} is less drift"
            print(f"  {measure.name} [{measure.unit}{direction}]")
            print(f"    {measure.definition} {measure.source}")
        print()

"""Every number of a run for other programs: one tidy CSV, and a JSON that also says what the numbers mean."""

import csv
import json
from pathlib import Path
from typing import Any

from simulacra.copying.result import Chain, CopyResult
from simulacra.measures.contract import Undefined, Value
from simulacra.reports.files import writing
from simulacra.reports.numbers import reasons
from simulacra.reports.remedied import remedies_json

COLUMNS = (
    *("chain", "picture", "copier", "remedy", "control", "replicate"),
    *("frame", "reference", "measure", "value", "reason"),
)
"""Of the CSV; exactly one of `value` and `reason` is empty on every line, and `remedy` where a chain is left alone."""


def write_csv(result: CopyResult, path: Path) -> None:
    """One line a number: which chain and frame, against what, which measure, its value or the reason it has none."""
    with (
        writing(path) as temporary,
        temporary.open("w", newline="", encoding="utf-8", errors="backslashreplace") as file,
    ):
        table = csv.writer(file, lineterminator="\n")
        table.writerow(COLUMNS)
        for chain in result.chains:
            control = "true" if chain.control else "false"
            head = (chain.name, chain.picture, chain.copier, chain.remedy or "", control, chain.replicate)
            for reference, columns in chain.values.items():
                for measure, values in columns.items():
                    table.writerows(
                        (*head, frame, reference, measure, *_cell(value)) for frame, value in enumerate(values)
                    )


def write_json(result: CopyResult, path: Path) -> None:
    """The whole run without its pictures: identity, environment, chains, frames with digests, numbers, definitions.

    A number that is undefined is null; `undefined` beside the values lists [first frame, last frame, reason].

    Raises:
        ValueError: a value is not finite, which no measure may return.
    """
    with writing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        json.dump(run_json(result), file, indent=1, allow_nan=False, sort_keys=False)
        file.write("\n")


def run_json(result: CopyResult) -> dict[str, Any]:
    """What `write_json` writes."""
    return {
        "format": "simulacra-copy-report",
        "version": 1,
        "identity": result.identity,
        "command": result.command,
        "size": {"width": result.size[0], "height": result.size[1]},
        "times": result.times,
        "spec": result.spec,
        "manifest": result.manifest,
        "measures": [
            {
                "name": measure.name,
                "channel": next((name for name, names in result.channels.items() if measure.name in names), None),
                "unit": measure.unit,
                "against": measure.against.value,
                "better": measure.better.value,
                "definition": measure.definition,
                "source": measure.source,
            }
            for measure in result.measures
        ],
        "absent": dict(result.absent),
        "chains": [_chain(chain) for chain in result.chains],
        "remedies": remedies_json(result),
    }


def _chain(chain: Chain) -> dict[str, Any]:
    ending = chain.ending
    return {
        "name": chain.name,
        "picture": chain.picture,
        "copier": chain.copier,
        "remedy": chain.remedy,
        "control": chain.control,
        "replicate": chain.replicate,
        "ending": {
            "reason": ending.reason.value,
            "copies": ending.copies,
            "settled": ending.settled,
            "period": ending.period,
            "message": ending.message,
        },
        "frames": [
            {
                "index": frame.index,
                "step": frame.step,
                "pixels": frame.pixels,
                "blob": frame.blob,
                "seconds": frame.seconds,
                "reused": frame.reused,
            }
            for frame in chain.frames
        ],
        "values": {
            reference: {
                measure: [None if isinstance(value, Undefined) else float(value) for value in values]
                for measure, values in columns.items()
            }
            for reference, columns in chain.values.items()
        },
        "undefined": {
            reference: {measure: found for measure, values in columns.items() if (found := reasons(values))}
            for reference, columns in chain.values.items()
        },
    }


def _cell(value: Value) -> tuple[str, str]:
    return ("", value.reason) if isinstance(value, Undefined) else (repr(float(value)), "")

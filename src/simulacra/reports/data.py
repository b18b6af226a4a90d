"""What the page's script reads: one JSON inside the page."""

import json
from collections.abc import Sequence
from typing import Any

from simulacra.copying.result import Chain, CopyResult
from simulacra.images.animation import schedule
from simulacra.measures.contract import Undefined
from simulacra.reports import curves, words
from simulacra.reports.carried import Carried
from simulacra.reports.numbers import reasons
from simulacra.reports.pictures import evenly
from simulacra.reports.subjects import Subject, chain_label, ending_sentence, span
from simulacra.reports.timeline import MOST_COLUMNS, SLIT
from simulacra.reports.trails import Trails


def page_data(
    result: CopyResult, found: Sequence[Subject], traced: Sequence[Trails | Undefined | None], carried: Carried
) -> dict[str, Any]:
    """Where every frame is, every number, and the points of the face.

    Args:
        result: the run.
        found: its pictures.
        traced: the trails of each picture.
        carried: the frames of the page.
    """
    position = {chain.name: number for number, chain in enumerate(result.chains)}
    reach = span(result)
    return {
        "span": reach,
        "milliseconds": schedule(reach + 1),
        "plot": {
            "left": curves.LEFT,
            "right": curves.RIGHT,
            "top": curves.TOP,
            "bottom": curves.BOTTOM,
            "width": curves.WIDTH,
        },
        "measures": {
            measure.name: {
                "label": words.label(measure.name),
                "unit": words.unit(measure),
                "signed": words.is_signed(measure),
            }
            for measure in result.measures
        },
        "readout": [words.headline(result, channel) for channel in words.of_drift(result)],
        "slit": SLIT,
        "columns": evenly(reach + 1, MOST_COLUMNS),
        "trails": [
            {"copies": trails.copies, "places": trails.places} if isinstance(trails, Trails) else None
            for trails in traced
        ],
        "subjects": [
            [_chain_data(chain, subject, carried, position[chain.name]) for chain in subject.all_chains]
            for subject in found
        ],
    }


def _chain_data(chain: Chain, subject: Subject, carried: Carried, position: int) -> dict[str, Any]:
    ending = chain.ending
    return {
        "label": chain_label(chain, subject.all_chains),
        "control": chain in subject.controls,
        "last": len(chain.frames) - 1,
        "settled": ending.settled,
        "period": ending.period,
        "ending": ending_sentence(chain),
        "exact": carried.exact[position],
        "places": carried.places[position],
        "values": {
            reference: {
                measure: [None if isinstance(value, Undefined) else float(f"{value:.9g}") for value in values]
                for measure, values in columns.items()
            }
            for reference, columns in chain.values.items()
        },
        "undefined": {
            reference: {measure: found for measure, values in columns.items() if (found := reasons(values))}
            for reference, columns in chain.values.items()
        },
    }


def script_json(value: Any) -> str:
    """JSON that may stand inside a script element: plain ASCII, and nothing in it can close the element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")

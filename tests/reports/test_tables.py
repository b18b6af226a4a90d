import csv
import json
from dataclasses import replace

import pytest

from simulacra.copying.result import CopyResult
from simulacra.measures.contract import Undefined
from simulacra.reports.tables import COLUMNS, write_csv, write_json


def test_every_number_is_in_the_csv_exactly(result: CopyResult) -> None:
    path = result.folder / "measures.csv"
    write_csv(result, path)
    with path.open(newline="", encoding="utf-8") as file:
        table = csv.DictReader(file)
        assert tuple(table.fieldnames or ()) == COLUMNS
        rows = {(row["chain"], row["reference"], row["measure"], int(row["frame"])): row for row in table}
    count = 0
    for chain in result.chains:
        for reference, columns in chain.values.items():
            for measure, values in columns.items():
                for frame, value in enumerate(values):
                    row = rows[chain.name, reference, measure, frame]
                    count += 1
                    assert row["control"] == ("true" if chain.control else "false")
                    if isinstance(value, Undefined):
                        assert (row["value"], row["reason"]) == ("", value.reason)
                    else:
                        assert (float(row["value"]), row["reason"]) == (value, "")
    assert len(rows) == count


def test_the_json_holds_numbers_digests_endings_and_definitions(result: CopyResult) -> None:
    path = result.folder / "measures.json"
    write_json(result, path)
    read = json.loads(path.read_text())
    assert read["identity"] == result.identity
    assert {entry["name"]: entry["channel"] for entry in read["measures"]}["ssim"] == "structure"
    model, settled = read["chains"][:2]
    assert model["frames"][3]["pixels"] == result.chains[0].frames[3].pixels
    assert tuple(model["values"]["origin"]["ssim"]) == result.chains[0].values["origin"]["ssim"]
    assert model["values"]["origin"]["identity_distance"][5] is None
    assert model["undefined"]["origin"] == {"identity_distance": [[5, 20, "no face found"]]}
    assert model["undefined"]["previous"]["ssim"] == [[0, 0, "frame 0 has no frame before it"]]
    assert settled["ending"] == {"reason": "fixed point", "copies": 1, "settled": 0, "period": 1, "message": ""}


def test_a_value_that_is_not_finite_is_a_fault_and_leaves_no_file(result: CopyResult) -> None:
    chain = replace(result.chains[0], values={"frame": {"lightness_mean": (float("nan"),)}})
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(replace(result, chains=(chain,)), result.folder / "measures.json")
    assert list(result.folder.iterdir()) == []


def test_a_name_that_is_no_utf8_is_written_escaped(result: CopyResult) -> None:
    chain = replace(result.chains[0], picture="caf\udce9")
    write_csv(replace(result, chains=(chain,)), result.folder / "measures.csv")
    assert "caf\\udce9" in (result.folder / "measures.csv").read_text(encoding="utf-8")

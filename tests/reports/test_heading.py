import math
from dataclasses import replace

import pytest

from simulacra.copying.result import Chain, CopyResult
from simulacra.measures.contract import Against, Better, Measure
from simulacra.reports.heading import heading

from .conftest import Runs, melt, portrait
from .test_page import page_of

COPIES = 30
MEASURES = (
    Measure("b_mean", "b*", Against.NOTHING, Better.NEITHER, "Mean b*.", "CIE 15"),
    Measure("delta_e00_pixel_mean", "ΔE00", Against.REFERENCE, Better.LOWER, "CIEDE2000, mean over pixels.", "CIE 142"),
)


def settling(runs: Runs, half_life: float = 4.0) -> CopyResult:
    """One picture whose b* goes from 0 to 24, wobbling a little."""
    way = [24 - 24 * 0.5 ** (copy / half_life) + 0.05 * math.sin(7.0 * copy) for copy in range(COPIES + 1)]
    chain = _of(runs, way)
    return replace(
        runs.result([chain], COPIES), measures=MEASURES, channels={"colour": ("delta_e00_pixel_mean", "b_mean")}
    )


def _of(runs: Runs, way: list[float]) -> Chain:
    chain = runs.chain(melt(portrait(16), len(way) - 1))
    distance = {"delta_e00_pixel_mean": tuple(abs(value - way[0]) for value in way)}
    return replace(chain, values={"frame": {"b_mean": tuple(way)}, "origin": distance, "previous": distance})


def test_says_where_with_an_interval_and_what_was_to_be_foretold(runs: Runs) -> None:
    found = heading(settling(runs))
    assert found is not None
    assert found.sentences[0].startswith("These chains are of one picture alone")
    assert "It turns the picture yellower: mean b* moves by +23.9. Mean b* heads for 24" in found.sentences[1]
    assert [row.name for row in found.foretold] == ["Colour difference", "Mean b*, blue to yellow"]
    assert all(row.held for row in found.foretold)  # after 15 of 30 copies with a half-life of 4 it has nearly settled
    assert (found.first, found.last) == (15, COPIES)


def test_a_forecast_that_failed_is_told(runs: Runs) -> None:
    result = settling(runs)
    (chain,) = result.chains
    jumped = {"delta_e00_pixel_mean": (*chain.values["origin"]["delta_e00_pixel_mean"][:-1], 90.0)}
    chain = replace(chain, values={**chain.values, "origin": jumped})
    found = heading(replace(result, chains=(chain,)))
    assert found is not None
    assert [(row.came, row.held) for row in found.foretold[:1]] == [("90", False)]


def test_the_page_carries_it(runs: Runs) -> None:
    words = page_of(settling(runs))[1].words()
    assert "Mean b* heads for 24" in words
    assert "simulacra card melting-0123456789ab" in words
    assert "holds it" in words


@pytest.mark.parametrize("kind", ["forked", "controls alone", "nothing copied"])
def test_silent_where_no_card_can_be_made(runs: Runs, kind: str) -> None:
    result = settling(runs)
    if kind == "forked":
        legs = [{"copier": "jpeg", "copies": 1}, {"copier": "melting", "copies": 19}]
        result = replace(result, spec={"settings": {**result.spec["settings"], "legs": legs}})
    elif kind == "controls alone":
        result = replace(result, chains=tuple(replace(chain, control=True) for chain in result.chains))
    else:
        result = replace(result, chains=(_of(runs, [0.0]),))
    assert heading(result) is None
    assert "Where it is heading" not in page_of(result)[1].words()


def test_too_short_a_chain_foretells_nothing(runs: Runs) -> None:
    chain = _of(runs, [24 - 24 * 0.5**copy + 0.05 * math.sin(7.0 * copy) for copy in range(11)])
    found = heading(replace(runs.result([chain], 10), measures=MEASURES))
    assert found is not None and found.foretold == ()

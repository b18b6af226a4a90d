from dataclasses import replace

import pytest

from simulacra.copying.result import Chain, CopyResult, Ended, Ending
from simulacra.measures.contract import Undefined
from simulacra.reports import words
from simulacra.reports.subjects import subjects
from simulacra.reports.verdict import summary, title, verdict

from .conftest import Runs, melt, melting, portrait


def _with(chain: Chain, reference: str, measure: str, value: object) -> Chain:
    """The chain with one measure at a constant value."""
    columns = {**chain.values[reference], measure: (value,) * len(chain.frames)}  # type: ignore[index]
    return replace(chain, values={**chain.values, reference: columns})  # type: ignore[arg-type]


def _sentences(runs: Runs, **values: object) -> str:
    """The verdict on a chain of two copies whose measures against frame 0 are these constants."""
    chain = runs.chain(melt(portrait(16), 2))
    for measure, value in values.items():
        chain = _with(chain, "origin", measure, value)
    result = runs.result([chain], 2)
    return " ".join(verdict(result, subjects(result)[0]))


def test_says_how_far_beside_every_control(runs: Runs) -> None:
    result = melting(runs)
    chains = [
        _with(chain, "origin", words.DRIFT, value)
        for chain, value in zip(result.chains, (31.24, 0.0, 2.06, 13.2), strict=True)
    ]
    result = replace(result, chains=tuple(chains))
    assert verdict(result, subjects(result)[0])[0] == (
        "After 20 copies by melting the picture is ΔE00 31.2 from the original, averaged over its pixels; "
        "the controls are at 0 (identity), 2.06 (webp:quality=80) and 13.2 (resize:by=4)."
    )


def test_says_nothing_of_what_was_not_measured(runs: Runs) -> None:
    chain = replace(runs.chain(melt(portrait(16), 2)), values={"frame": {}, "origin": {}, "previous": {}})
    result = runs.result([chain], 2)
    assert verdict(result, subjects(result)[0]) == [
        "After 2 copies by melting, how far the colours moved was not measured."
    ]


def test_exactly_the_original_is_called_so(runs: Runs) -> None:
    assert "is exactly the original" in _sentences(runs, **{words.DRIFT: 0.0})
    assert "ΔE00 1.0e−6 from the original" in _sentences(runs, **{words.DRIFT: 1e-6})


@pytest.mark.parametrize(
    ("a", "b", "hue"), [(10, 10, "orange"), (0, 10, "yellow"), (-10, 0, "green"), (0, -10, "blue"), (10, 0, "pink")]
)
def test_the_tint_is_named_by_its_hue_angle(runs: Runs, a: float, b: float, hue: str) -> None:
    text = _sentences(runs, **{words.RED_GREEN: a, words.YELLOW_BLUE: b, words.LIGHTNESS: 0.0})
    assert f"towards {hue} (" in text


def test_a_tint_too_small_to_see_gets_no_name(runs: Runs) -> None:
    text = _sentences(runs, **{words.RED_GREEN: 0.3, words.YELLOW_BLUE: 0.4, words.LIGHTNESS: -0.2})
    assert "stayed where it was" in text
    assert "towards" not in text


def test_geometry_speaks_only_of_what_can_be_seen(runs: Runs) -> None:
    moved = {words.SHIFT_X: 3.0, words.SHIFT_Y: -4.0, words.ZOOM: 1.03, words.ROTATION: 0.1}
    assert "shifted by 5 px and enlarged by 3.00 %" in _sentences(runs, **moved)
    assert "content" not in _sentences(runs, **{words.SHIFT_X: 0.1, words.SHIFT_Y: 0.0, words.ZOOM: 1.001})
    assert "content" not in _sentences(
        runs, **{words.SHIFT_X: Undefined("no peak"), words.SHIFT_Y: Undefined("no peak")}
    )


@pytest.mark.parametrize(
    ("present", "sentence"),
    [
        ([1, 1, 1, 1], "A face is found in every copy."),
        ([1, 1, 0, 0], "No face is found from copy 2 on."),
        ([1, 0, 1, 0], "No face is found in 2 of 3 copies, first in copy 1."),
        ([0, 0, 1, 0], ""),
        ([Undefined("not installed")] * 4, ""),
    ],
)
def test_the_face_is_followed_through_the_chain(runs: Runs, present: list[object], sentence: str) -> None:
    chain = runs.chain(melt(portrait(16), 3))
    chain = replace(chain, values={"frame": {words.FACE: tuple(present)}, "origin": {}, "previous": {}})  # type: ignore[arg-type]
    result = runs.result([chain], 3)
    told = verdict(result, subjects(result)[0])
    assert (told[-1] if sentence else not any("face" in one for one in told)) == (sentence or True)


def test_a_control_that_loses_the_face_is_told_too(runs: Runs) -> None:
    def with_faces(chain: Chain, present: tuple[float, ...]) -> Chain:
        return replace(chain, values={"frame": {words.FACE: present}, "origin": {}, "previous": {}})

    frames = melt(portrait(16), 3)
    model = with_faces(runs.chain(frames), (1.0, 1.0, 1.0, 0.0))
    blurs = with_faces(runs.chain(frames, copier="resize:factor=4", control=True), (1.0, 0.0, 0.0, 0.0))
    keeps = with_faces(runs.chain(frames, copier="identity", control=True), (1.0, 1.0, 1.0, 1.0))
    result = runs.result([model, blurs, keeps], 3)
    assert verdict(result, subjects(result)[0])[-1] == (
        "No face is found from copy 3 on. Of the controls, the face is first lost by resize:factor=4 in copy 1."
    )


@pytest.mark.parametrize(
    ("ending", "sentence"),
    [
        (Ending(Ended.FIXED_POINT, 3, 2, 1), "From frame 2 on it stands still: every later copy is exactly the same"),
        (Ending(Ended.CYCLE, 3, 1, 2), "From frame 1 on it repeats exactly, every 2 copies."),
        (Ending(Ended.REFUSED, 3, message="policy"), "Copy 4 was refused: policy."),
    ],
)
def test_endings_are_told(runs: Runs, ending: Ending, sentence: str) -> None:
    result = runs.result([runs.chain(melt(portrait(16), 3), ending=ending)], 101)
    text = summary(result)
    assert sentence in text
    copies = 3 if ending.reason is Ended.REFUSED else 101
    assert text.startswith(f"After {copies} copies by melting")
    assert title(result) == f"astronaut, {copies} copies by melting"


def test_nothing_copied_is_told(runs: Runs) -> None:
    result = runs.result([runs.chain([portrait(16)], ending=Ending(Ended.REFUSED, 0, message="quota used up"))], 9)
    assert summary(result) == "No copy was made: quota used up."


def test_replicates_give_a_range(runs: Runs) -> None:
    chains = [
        _with(runs.chain(melt(portrait(16), 2), replicate=number), "origin", words.DRIFT, value)
        for number, value in ((1, 30.0), (2, 31.5))
    ]
    text = summary(runs.result(chains, 2))
    assert "(2 replicates) the picture is ΔE00 30 to 31.5 from the original" in text


def test_several_pictures_get_a_line_each(runs: Runs) -> None:
    chains = [runs.chain(melt(portrait(16, name), 2), picture=name) for name in ("astronaut", "coffee")]
    result = runs.result(chains, 2)
    assert title(result) == "2 pictures, 2 copies by melting"
    assert [line.partition(":")[0] for line in summary(result).splitlines()] == ["astronaut", "coffee"]


def test_a_fork_names_every_copier(result: CopyResult) -> None:
    legs = [{"copier": "jpeg", "copies": 1}, {"copier": "melting", "copies": 19}]
    forked = replace(result, spec={"settings": {**result.spec["settings"], "legs": legs}})
    assert title(forked) == "astronaut, 20 copies by jpeg (1 copy), then melting (19 copies)"

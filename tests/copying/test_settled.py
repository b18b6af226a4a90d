from simulacra.copying.result import Ended, Ending
from simulacra.copying.settled import frame_at, number_at, value_at
from simulacra.measures.contract import Undefined

from .attractor.byhand import chain

ODD = Undefined("no face found")
CYCLE = chain(
    "a",
    {"b_mean": [1.0, ODD, 3.0, 4.0], "delta_e00_pixel_mean": [0.0, 10.0, 20.0, 30.0]},
    ending=Ending(Ended.CYCLE, 3, 1, 2),  # frame 3 equals frame 1
)


def test_a_cycle_goes_on_for_ever() -> None:
    assert [frame_at(CYCLE, copy) for copy in range(8)] == [0, 1, 2, 3, 2, 1, 2, 1]
    assert [number_at(CYCLE, "frame", "b_mean", copy) for copy in (4, 5, 6)] == [3.0, None, 3.0]
    assert value_at(CYCLE, "frame", "b_mean", 5) == ODD


def test_a_step_into_a_repeated_frame_is_the_step_within_the_cycle() -> None:
    # Copy 4 equals frame 2 and comes after frame 1's twin, so its step is that from frame 1 to 2; copy 5's that into 3.
    steps = [number_at(CYCLE, "previous", "delta_e00_pixel_mean", copy) for copy in (4, 5, 6, 7)]
    assert steps == [20.0, 30.0, 20.0, 30.0]


def test_a_refused_chain_has_no_more_and_an_unknown_measure_no_value() -> None:
    refused = chain("a", {"b_mean": [1.0, 2.0]}, ending=Ending(Ended.REFUSED, 1, message="no"))
    assert frame_at(refused, 2) is None
    assert value_at(refused, "frame", "b_mean", 2) is None
    assert value_at(CYCLE, "origin", "no_such_measure", 1) is None

import re
from base64 import b64decode
from io import BytesIO

import numpy as np
from PIL import Image

from simulacra.copying.result import CopyResult
from simulacra.reports.carried import LADDER, carry

from .conftest import Runs, melting


def _stored(result: CopyResult) -> int:
    blobs = {frame.blob: result.frame_file(frame).stat().st_size for chain in result.chains for frame in chain.frames}
    return sum(blobs.values())


def _carried_bytes(result: CopyResult, budget: int) -> int:
    return sum(len(b64decode(text)) for text in carry(result, budget).data())


def test_all_frames_as_stored_when_they_fit(result: CopyResult) -> None:
    carried = carry(result, _stored(result))
    assert carried.exact == (True,) * 4
    assert carried.told == "The page carries every frame as it was stored, without loss."
    data = [b64decode(text) for text in carried.data()]
    for chain, places in zip(result.chains, carried.places, strict=True):
        assert [frame for frame, _ in places] == list(range(len(chain.frames)))
        for frame, number in places:
            assert data[number] == result.frame_file(chain.frames[frame]).read_bytes()


def test_equal_frames_are_carried_once(result: CopyResult) -> None:
    carried = carry(result)
    firsts = {places[0][1] for places in carried.places}
    assert len(firsts) == 1  # frame 0 is common to all chains
    assert len(carried.images) == len({frame.blob for chain in result.chains for frame in chain.frames})


def test_controls_give_way_first(result: CopyResult) -> None:
    carried = carry(result, int(_stored(result) * 0.8))
    assert carried.exact == (True, False, False, False)
    assert "the frames of the controls as lossy WebP" in carried.told


def test_a_long_chain_is_sampled_and_the_page_says_so(runs: Runs) -> None:
    noise = np.random.default_rng(20261121).integers(0, 256, (251, 8, 8, 3), dtype=np.uint8)
    result = runs.result([runs.chain(list(noise))], 250)
    carried = carry(result, _stored(result) - 1)
    (places,) = carried.places
    assert (places[0][0], places[-1][0]) == (0, 250)
    assert len(places) <= 200
    assert f"at most {len(places)} frames a chain" in carried.told


def test_the_budget_is_kept(runs: Runs) -> None:
    result = melting(runs, size=96)
    for share in (2, 4, 16):
        budget = _stored(result) // share
        assert _carried_bytes(result, budget) <= budget


def test_pictures_shrink_within_their_limit_and_keep_their_looks(runs: Runs) -> None:
    result = melting(runs, size=300, copies=3)
    carried = carry(result, 60_000)
    encoding = carried.images[0][1]
    assert encoding in LADDER
    with Image.open(BytesIO(b64decode(next(carried.data())))) as small:
        assert max(small.size) == min(300, encoding.longest or 300)
        pixels = np.asarray(small.convert("RGB"), dtype=float)
    # Lossy and smaller, but the same picture: its mean stays within a few of 255 levels.
    assert abs(pixels.mean() - result.frame_pixels(result.chains[0].frames[0]).mean()) < 4
    assert re.search(r"quality \d+", carried.told)


def test_the_smallest_page_has_first_and_last_frames(result: CopyResult) -> None:
    assert [[frame for frame, _ in places] for places in carry(result, 1).places] == [[0, 20], [0, 1], [0, 5], [0, 20]]

"""The headline, on the real network: Real-ESRGAN x4plus loses the astronaut's face within ten copies."""

from pathlib import Path

from simulacra import copy
from simulacra.measures.contract import Undefined


def test_realesrgan_loses_the_face_within_ten_copies(portrait: Path) -> None:
    result = copy(portrait, copier="realesrgan", times=10, size=256)
    model, *controls = result.chains
    assert [chain.copier for chain in controls] == ["identity", "resize:factor=4", "jpeg:quality=90"]
    present = model.values["frame"]["face_present"]
    assert present[0] == 1.0
    assert 0.0 in present
    lost = present.index(0.0)
    assert isinstance(model.values["origin"]["identity_distance"][lost], Undefined)
    # The model moves the colours more than twice as far as its own resizing does without it.
    drift = [chain.values["origin"]["delta_e00_pixel_mean"][-1] for chain in (model, controls[1])]
    assert not any(isinstance(value, Undefined) for value in drift)
    assert drift[0] > 2 * drift[1]  # type: ignore[operator]

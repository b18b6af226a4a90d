from pathlib import Path

import pytest
import torch
from torch import Tensor

from simulacra.copiers import make
from simulacra.errors import MissingWeights


@pytest.mark.parametrize(("family", "entry"), [("ffdnet", "ffdnet-colour"), ("low-light", "low-light")])
def test_missing_weights_are_asked_for_by_name(
    family: str, entry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIMULACRA_WEIGHTS", str(tmp_path))
    copier = make(family)
    assert copier.weight_names() == (entry,)
    for ask in (copier.check, copier.weights, lambda: copier.copy(torch.zeros(1, 3, 16, 16), [0], 1)):
        with pytest.raises(MissingWeights, match=rf"type: simulacra weights get {entry}$"):
            ask()


@pytest.mark.parametrize("family", ["ffdnet", "low-light"])
def test_gradients_are_kept_only_where_they_are_asked_for(family: str, crop: Tensor) -> None:
    copier = make(family)
    asking = crop.clone().requires_grad_()
    assert copier.copy(asking, [0], 1)[0].requires_grad
    assert not copier.copy(crop, [0], 1)[0].requires_grad
    with torch.no_grad():
        assert not copier.copy(asking, [0], 1)[0].requires_grad

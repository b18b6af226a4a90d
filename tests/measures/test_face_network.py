import subprocess
import sys

import numpy as np
import torch

from simulacra.measures.face_mesh import FILE, WEIGHTS
from simulacra.measures.face_network import network, sigmoid


def test_loads_once_and_repeats_its_bits() -> None:
    net = network(WEIGHTS, FILE)
    assert network(WEIGHTS, FILE) is net
    picture = torch.rand(1, 3, net.size, net.size, generator=torch.Generator().manual_seed(3))
    first, second = net(picture), net(picture)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert [values.size for values in first] == [1, 3 * 468]


def test_takes_pictures_whose_memory_is_not_in_order() -> None:
    net = network(WEIGHTS, FILE)
    picture = torch.rand(1, 3, net.size, net.size, generator=torch.Generator().manual_seed(3))
    shuffled = picture.contiguous(memory_format=torch.channels_last)
    np.testing.assert_array_equal(net(picture)[1], net(shuffled)[1])


def test_the_runtime_greets_nobody_and_our_own_errors_pass() -> None:
    code = (
        "import os\n"
        "from simulacra.measures.face_network import network\n"
        f"network({WEIGHTS!r}, {FILE!r})\n"
        "os.write(2, b'ours')"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stderr == b"ours"


def test_sigmoid_survives_the_surest_logits() -> None:
    assert sigmoid(np.array([-1e9, 0.0, 1e9])).round(12).tolist() == [0.0, 0.5, 1.0]

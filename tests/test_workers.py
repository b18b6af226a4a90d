from collections.abc import Iterator
from threading import current_thread

import pytest
import torch

from simulacra.workers import Workers


@pytest.fixture(params=[1, 3])
def cores(request: pytest.FixtureRequest) -> Iterator[int]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_keep_the_order_of_the_calls(cores: int) -> None:
    with Workers() as workers:
        assert workers.run(lambda i=i: i * i for i in range(10)) == [i * i for i in range(10)]


def test_every_call_has_one_core_and_no_gradients(cores: int) -> None:
    with Workers() as workers:
        seen = workers.run([lambda: (torch.get_num_threads(), torch.is_grad_enabled())] * 8)
    assert set(seen) == {(1, False)}


def test_the_caller_keeps_its_threads_and_gradients(cores: int) -> None:
    with Workers() as workers:
        workers.run([current_thread] * 4)
    assert torch.get_num_threads() == cores
    assert torch.is_grad_enabled()


def test_an_error_reaches_the_caller(cores: int) -> None:
    with Workers() as workers, pytest.raises(ZeroDivisionError):
        workers.run([lambda: 1 // 0])
    assert torch.get_num_threads() == cores

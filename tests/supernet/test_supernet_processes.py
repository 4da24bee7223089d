"""Shared weights trained by two processes, by gloo on the CPU, as torchrun starts them."""

import os
import signal
import socket
from functools import partial

import pytest
import torch
import yaml
from forks import FORKS
from safetensors.torch import load_file
from telling import Told

from vitspace import interrupts
from vitspace.errors import InputError
from vitspace.sharing.folder import STATE, WEIGHTS, read
from vitspace.supernet import SupernetRequest, train
from vitspace.supernet.run import SupernetTraining
from vitspace.training.processes import ProcessGroup

#: Without batch statistics, which are of each process's own images, as in `vitspace train`.
SPACE = {
    "family": "msg",
    "resolution": 64,
    "axes": {
        "stem.patch": ["plain"],
        "downsample": ["concat"],
        "dim": {"values": [16, 32], "scale": [1, 1, 2, 2]},
        "depth": {"each": [1]},
        "head_dim": [16],
        "window": [4],
        "mlp_ratio": [1, 2],
        "exchange": ["no_token"],
    },
}
RECIPE = "tiny,img_size=32,steps=3,warmup=1,batch_size=8,max_train=40,max_val=16,erase=0.5,mixup=0.2"


class Ending(Told):
    """A monitor of one of two processes, which ends it, or is one of a process that stays."""

    def __init__(self, stop: int, by: signal.Signals) -> None:
        super().__init__()
        self.end, self.by = stop, by

    def progress(self, done: int, total: int) -> None:
        super().progress(done, total)
        if done == self.end:
            os.kill(os.getpid(), self.by)


def _spoiled(whole):
    def batch(training, rows):
        inputs, targets = whole(training, rows)
        return inputs * (float("nan") if training.losses else 1), targets

    return batch


def _train(request, rank, port, monitor, spoil, found):
    os.environ |= {"WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": "2"}
    os.environ |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    torch.set_num_threads(1)
    interrupts.install()
    if spoil:
        SupernetTraining._batch = _spoiled(SupernetTraining._batch)
    try:
        facts = train(request, monitor)
        found.put((rank, "", facts["train_losses"] if rank == 0 else None, monitor.notes))
    except BaseException as error:
        found.put((rank, f"{type(error).__name__}: {error}", len(monitor.steps), monitor.notes))


def two(request, other=None, spoil=False):
    """Train in two processes, of which the second may end.

    Returns:
        By rank, of those that are left: the error, the losses or else the steps that were made, and the notes.
    """
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = FORKS.Queue()
    monitors = Told(), other or Told()
    given = [(request, rank, port, monitors[rank], spoil and rank == 1, found) for rank in (0, 1)]
    started = [FORKS.Process(target=_train, args=each) for each in given]
    for process in started:
        process.start()
    left = 1 if other and other.by == signal.SIGKILL else 2
    results = {rank: rest for rank, *rest in (found.get(timeout=60) for _ in range(left))}
    for process in started:
        process.join()
    return results


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """The file of the space that all are trained in, in the place of the other tests' space."""
    path = tmp_path_factory.mktemp("spaces") / "plain.yaml"
    path.write_text(yaml.safe_dump(SPACE))
    return path


@pytest.fixture
def ask(ask):
    """A request for a training by `RECIPE`, with changes."""
    return partial(ask, recipe=RECIPE)


@pytest.fixture(scope="module")
def alone(small, tmp_path_factory):
    """The folder of a training by one process."""
    out = tmp_path_factory.mktemp("alone") / "net"
    train(SupernetRequest(str(small), out, recipe=RECIPE, data="fractal:3", device="cpu"), Told())
    return out


def check_same(one, other):
    first, second = load_file(one / WEIGHTS), load_file(other / WEIGHTS)
    assert first.keys() == second.keys()
    for name, each in first.items():
        torch.testing.assert_close(second[name], each, rtol=1e-4, atol=1e-5)


def test_two_processes_train_the_weights_of_one(ask, alone):
    request = ask()
    results = two(request)
    assert [results[rank][0] for rank in (0, 1)] == ["", ""]
    check_same(alone, request.out)
    facts = read(request.out).facts
    assert (facts["processes"], facts["done"]) == (2, 3)
    assert facts["train_losses"] == pytest.approx(read(alone).facts["train_losses"], abs=1e-5)
    assert "in use on cpu by each of 2 processes after a step" in "\n".join(results[0][2])


def test_a_killed_process_ends_the_other_which_saves_and_both_resume(ask, alone):
    request = ask()
    results = two(request, Ending(2, signal.SIGKILL))
    assert results[0][0] == "ProcessLostError: another of the 2 processes has ended"
    assert "saved after 2 of 3 steps; --resume goes on" in results[0][2]
    assert [path.name for path in request.out.glob("*.safetensors")] == [STATE]
    assert {each[0] for each in two(ask(resume=True)).values()} == {""}
    check_same(alone, request.out)


def test_an_interrupt_of_one_stops_both_after_the_same_step(ask):
    results = two(ask(), Ending(1, signal.SIGINT))
    assert [results[rank][:2] for rank in (0, 1)] == [["KeyboardInterrupt: ", 1]] * 2
    assert read(ask().out, STATE).facts["done"] == 1


def test_a_loss_of_one_that_is_no_number_is_one_of_both(ask):
    results = two(ask(), spoil=True)
    assert results[0][:2] == results[1][:2] and results[0][1] == 1
    assert results[0][0].startswith("FailureError: the training loss is nan by step 2; try a lower lr")


@pytest.mark.parametrize(("world", "fits"), [(3, 9), (8, 16)])
def test_a_batch_that_processes_cannot_share_is_refused(ask, world, fits):
    with pytest.raises(InputError, match=rf"{world} processes share .* but got 8: --recipe .*,batch_size={fits}$"):
        SupernetTraining(ask(), Told(), ProcessGroup(0, world, torch.device("cpu")))

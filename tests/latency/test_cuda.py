"""CUDA timing: its logic on a pretended GPU, and the real one where there is one."""

import itertools

import numpy as np
import pytest
import torch

from vitspace.errors import InputError
from vitspace.families import anchor
from vitspace.latency.cuda import (
    Batches,
    CudaSettings,
    check_cuda,
    drift,
    measure_cuda,
    median_interval,
    summarise,
    time_batches,
)
from vitspace.profile import profile_cuda

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


class Pretended:
    """Counts what is asked of it; a call takes 2 ms, whatever it runs."""

    def __init__(self):
        self.asked = []

    def milliseconds(self, run):
        self.asked.append("time")
        run()
        return 2.0

    def finish(self):
        self.asked.append("finish")

    def peak_mb(self, run):
        self.asked.append("peak")
        run()
        return 100.0


def test_batches_are_timed_one_by_one_then_queued_after_a_warm_up():
    device, ran = Pretended(), []
    batches = time_batches(lambda: ran.append(0), device, runs=5)
    warm = device.asked.index("time")
    assert warm >= 3 and set(device.asked[:warm]) == {"finish"}
    assert device.asked[warm:] == ["time"] * 6 + ["peak"]
    assert len(ran) == warm + 5 + 5 + 1 and batches.times.tolist() == [2.0] * 5 and batches.peak_mb == 100.0


def test_throughput_is_that_of_queued_batches():
    batches = Batches(np.full(10, 4.0), queued_ms=20.0, peak_mb=64.0)
    result = summarise(batches, CudaSettings(batch=32, runs=10), "a GPU", tf32=True)
    assert result.images_per_second == 32 * 10 / 0.020
    assert (result.median_ms, result.low_ms, result.high_ms, result.drift, result.doubt) == (4.0, 4.0, 4.0, 0.0, "")


def test_a_gpu_that_did_not_hold_still_is_named():
    times = np.array([10.0] * 5 + [12.0] * 5)
    assert "changed by +20.0%" in summarise(Batches(times, 1.0, 1.0), CudaSettings(), "a GPU", False).doubt


def test_without_a_gpu_the_error_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"device 'cuda' needs an NVIDIA GPU, but torch .* sees none; take 'cpu'"):
        check_cuda()
    with pytest.raises(InputError, match="needs an NVIDIA GPU"):
        measure_cuda(anchor("msg_tiny").spec)


@needs_gpu
def test_a_gpu_times_batches_and_parts():
    result = profile_cuda("mat_1", anchor("mat_1").spec, CudaSettings(batch=4, img_size=64, runs=5))
    [latency] = result.latency
    assert latency.median_ms > 0 and latency.images_per_second > 0 and latency.peak_mb > 0
    assert all(part.ms is not None for part in result.parts if "tokens" not in part.name)


def test_drift_compares_the_last_third_with_the_first():
    assert drift(np.array([10.0, 10, 10, 50, 50, 50, 11, 11, 11])) == pytest.approx(0.1)


def test_the_interval_of_a_median_holds_it_and_repeats():
    times = np.fromiter(itertools.islice(itertools.cycle([1.0, 2.0, 3.0]), 30), float)
    low, high = median_interval(times)
    assert low <= 2.0 <= high and (low, high) == median_interval(times)

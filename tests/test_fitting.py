"""The training step: what it does to a network, and that short trainings take the numbers that they took before."""

from contextlib import contextmanager

import pytest
import torch
from torch import nn

from vitspace.anchors import assemble
from vitspace.data import load_data
from vitspace.fitting import DivergedError, Fitting, make_average, make_criterion, make_mixup
from vitspace.proxies.recipe import TrainingProxy
from vitspace.proxies.training.train import train

#: Losses of four steps before there was one step for both, commit f8ee90d.
PLAIN = [2.321231842041, 2.743624925613, 3.102789640427, 2.866984844208]
EVERYTHING = [2.329812526703, 2.598655939102, 2.793747901917, 2.692491054535]
SETTINGS = {"label_smoothing": 0.1, "drop_path": 0.1, "warmup": 1, "precision": "bf16", "erase": 0.5, "mixup": 0.2}
SETTINGS |= {"ema": 0.9, "channels_last": True}


class Still:
    """A schedule that changes nothing, and remembers what it was told."""

    def __init__(self):
        self.told = []

    def step_update(self, taken):
        self.told.append(taken)


def fitting(**changes):
    network = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    optimiser = torch.optim.SGD(network.parameters(), 0.1)
    return Fitting(network, make_criterion(False, 0.0), optimiser, Still(), **changes)


def batch(count):
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 3, 2, 2, generator=generator), torch.arange(count) % 3


@pytest.mark.parametrize("parts", [2, 3, 4])
def test_parts_of_any_size_add_up_to_the_batch(parts):
    torch.manual_seed(1)
    whole = fitting()
    torch.manual_seed(1)
    split = fitting()
    images, labels = batch(8)
    [loss] = whole.step([(images, labels)], [1], 0)
    shares = [len(part) / 8 for part in images.chunk(parts)]
    losses = split.step(zip(images.chunk(parts), labels.chunk(parts), strict=True), shares, 0)
    assert torch.stack(losses).sum().item() == pytest.approx(loss.item(), rel=1e-5)
    torch.testing.assert_close(whole.network[1].weight, split.network[1].weight)
    assert split.schedule.told == [0]


def test_a_gradient_is_clipped_and_weights_are_averaged():
    clipped = fitting(clip_grad=1e-9)
    before = clipped.network[1].weight.detach().clone()
    clipped.step([batch(6)], [1], 0)
    torch.testing.assert_close(clipped.network[1].weight, before)
    plain = fitting()
    averaged = Fitting(plain.network, plain.criterion, plain.optimiser, Still(), make_average(plain.network, 0.9))
    assert plain.trained is plain.network and averaged.trained is averaged.average.module


def test_a_loss_that_is_no_number_ends_it_before_the_backward_pass():
    images, labels = batch(4)
    with pytest.raises(DivergedError, match="nan by step 3"):
        fitting().step([(images * float("nan"), labels)], [1], 2)


def test_nothing_is_mixed_without_an_alpha():
    assert make_mixup(0.0, 0.0, 0.1, 3) is None and make_average(nn.Linear(1, 1), None) is None
    mix = make_mixup(0.2, 0.0, 0.1, 3)
    assert mix is not None and mix(*batch(4))[1].shape == (4, 3)


@pytest.mark.parametrize(("settings", "losses"), [({}, PLAIN), (SETTINGS, EVERYTHING)])
def test_a_short_training_takes_the_numbers_that_it_took(settings, losses):
    spec = assemble("msg", {"dim": [32, 32, 32, 32], "depth": [1] * 4, "region_size": [4, 4, 2, 1]})
    proxy = TrainingProxy(data="digits", steps=4, batch_size=8, max_train=40, max_val=16, **settings)
    data = load_data("digits", proxy.img_size, 0, 40, 16)
    assert [loss for _, loss in train(spec, proxy, data, seed=3).curve] == pytest.approx(losses, rel=2e-3)


def test_a_timing_waits_for_a_part_and_not_for_the_whole_update(monkeypatch):
    held = []

    @contextmanager
    def locked(pausing):
        held.append([pausing, 0])
        yield
        held[-1][1] += 1

    monkeypatch.setattr("vitspace.fitting.training_step", locked)
    images, labels = batch(8)
    fitting().step(zip(images.chunk(4), labels.chunk(4), strict=True), [1 / 4] * 4, 0)
    assert held == [[True, 1]] * 5  # four parts, and the optimiser's step; never one within another

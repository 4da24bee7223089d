import numpy as np
import optuna
import pytest

from vitspace.budget import Budget
from vitspace.costs import cost
from vitspace.errors import InputError
from vitspace.pareto import normalised_hypervolume
from vitspace.searching.pareto import ParetoSampler
from vitspace.searching.pareto.sampler import ENOUGH
from vitspace.space.moves import descend


def sampler(study, limits=None, seed=0, **others):
    return ParetoSampler(study.space, limits or Budget(), seed, **others)


def test_every_design_is_proposed_once_and_then_no_more(study):
    size = study.space.size()
    assert len(set(study.go(sampler(study), size))) == size
    with pytest.raises(InputError, match="space small has no further design"):
        study.ask(sampler(study))


def test_nothing_is_proposed_beside_the_budget(study):
    costs = sorted(cost(spec, 64).macs for spec in study.space.draw(study.space.size()))
    limits = Budget(macs=(costs[12], costs[35]))
    specs = study.go(sampler(study, limits), 24)
    assert all(not study.space.over_budget(spec, limits) for spec in specs)
    assert len(set(specs)) == len(specs)


@pytest.fixture
def half(ruled):
    """Limits on FLOPs and params, each of which leaves out designs that the other lets in."""
    costs = [cost(spec, 64) for spec in ruled.draw(ruled.size())]
    macs, params = (sorted(getattr(c, name) for c in costs) for name in ("macs", "params"))
    return Budget(macs=(macs[6], macs[26]), params=(params[9], params[29]))


def test_moves_leave_the_feasible_designs_and_what_they_make_is_sieved(ruled, half):
    worker = ParetoSampler(ruled, half, 0)
    made = descend(worker.population, worker._pool, 400, np.random.default_rng(0))
    costs = worker.population.costs(made)
    inside = [
        (low <= found) & (found <= high)
        for found, (low, high) in ((costs.macs, half.macs), (costs.params, half.params))
    ]
    feasible = costs.valid & inside[0] & inside[1]
    assert not costs.valid.all() and (costs.valid & inside[0] & ~inside[1]).any()
    assert (costs.valid & inside[1] & ~inside[0]).any()
    kept, _ = worker._fitting(made, set())
    assert {row.tobytes() for row in kept} == {row.tobytes() for row in made[feasible]}
    specs = [ruled.decode(worker.population.params(row)) for row in kept]  # an invalid one raises
    assert specs and not any(ruled.over_budget(spec, half) for spec in specs)


def test_all_that_keeps_rules_and_limits_is_proposed_and_nothing_else(study, ruled, half):
    fit = {spec for spec in ruled.draw(ruled.size()) if not ruled.over_budget(spec, half)}
    study.space = ruled
    worker = sampler(study, half)
    assert ENOUGH + 4 < len(fit) < 20 and set(study.go(worker, len(fit))) == fit
    with pytest.raises(InputError, match="no further design"):
        study.ask(worker)


def test_limits_that_no_design_keeps_together_are_said(study, small):
    costs = sorted((cost(spec, 64).macs, cost(spec, 64).params) for spec in small.draw(small.size()))
    limits = Budget(macs=(costs[-1][0], costs[-1][0]), params=(1, min(params for _, params in costs)))
    with pytest.raises(InputError, match="no design of small fits: none lies within"):
        study.ask(sampler(study, limits))


def test_the_first_designs_are_even_over_flops(study):
    macs = [cost(spec, 64).macs for spec in study.go(sampler(study), ENOUGH)]
    every = [cost(spec, 64).macs for spec in study.space.draw(study.space.size())]
    assert np.ptp(macs) > 0.7 * np.ptp(every)


def test_the_same_trials_give_the_same_proposal_in_another_process(study):
    worker = sampler(study)
    study.go(worker, ENOUGH + 4)
    assert propose(study, worker, 99) == propose(study, sampler(study), 99)


def test_another_seed_proposes_others(study, small):
    first = study.go(sampler(study), ENOUGH)
    other = type(study)(small, optuna.storages.InMemoryStorage())
    assert other.go(sampler(other, seed=1), ENOUGH) != first


@pytest.mark.parametrize("kind", ["journal", "sqlite"])
def test_every_storage_gives_the_same_proposals(study, stored, kind):
    other = stored(kind)
    assert other.go(sampler(other), ENOUGH + 1) == study.go(sampler(study), ENOUGH + 1)


@pytest.mark.parametrize("done", [0, 1, ENOUGH + 4])
def test_two_workers_never_run_one_design(study, done):
    workers = [sampler(study), sampler(study)]
    study.go(workers[0], done)
    running = [study.ask(workers[i % 2])[1] for i in range(8)]
    assert len(set(running)) == 8


def test_a_queued_design_is_not_proposed(study):
    study.go(sampler(study), ENOUGH)
    left = study.space.draw(study.space.size() - ENOUGH, exclude={t.spec for t in study.store.trials()})
    for spec in left[1:]:
        study.store.study.enqueue_trial(study.space.encode(spec))
    assert study.space.decode(propose(study, sampler(study), 99)) == left[0]


def test_designs_that_all_fail_are_not_proposed_again(study):
    assert len(set(study.go(sampler(study), ENOUGH + 6, state="failed"))) == ENOUGH + 6


def test_what_fails_is_left_alone(study):
    """Designs with a mixer in the last stage fail, half of the space."""
    worker, late = sampler(study), []
    for number in range(30):
        running, spec = study.ask(worker)
        fails = spec.stages[3].mixer != "none"
        study.tell(running, spec, "failed" if fails else "complete")
        late += [fails] if number >= 20 else []
    assert sum(late) <= 3  # of ten, where blind draws would take five


def test_a_design_must_be_accepted(study):
    wide = lambda spec: spec.stages[0].dim == 24  # noqa: E731
    assert all(wide(spec) for spec in study.go(sampler(study, accept=wide), ENOUGH + 3))


def test_it_reaches_more_than_random_draws(study, small):
    box = ((-5.0, 0.0, 0.0), (5.0, 1.2e7, 12.0))
    study.store.set(reference_point=box[1])
    study.go(sampler(study), 20)
    other = type(study)(small, optuna.storages.InMemoryStorage())
    for spec in small.draw(20, seed=0):
        other.store.study.enqueue_trial(small.encode(spec))
    other.go(optuna.samplers.RandomSampler(seed=0), 20)
    ours, theirs = (normalised_hypervolume([t.point for t in s.store.trials()], *box) for s in (study, other))
    assert ours > theirs


def propose(study, worker, number):
    """Return the params that a worker proposes for a trial of that number, without starting it."""
    frozen = optuna.trial.create_trial(state=optuna.trial.TrialState.RUNNING)
    frozen.number = number
    return worker.sample_relative(study.store.study, frozen, {})


def two_at_once(study, newest_first):
    """Ask for designs of which two run at a time; the newest ends first, or the oldest. Return them in order."""
    worker, running, specs = sampler(study, lag=3), [], []
    for number in range(20):
        running.append(study.ask(worker))
        specs.append(running[-1][1])
        if len(running) == 2:
            may = newest_first and number - running[0][0].number < 3
            study.tell(*running.pop(1 if may else 0))
    return specs


def test_with_a_lag_it_does_not_matter_which_of_two_designs_ends_first(study):
    other = type(study)(study.space, optuna.storages.InMemoryStorage())
    assert two_at_once(study, newest_first=True) == two_at_once(other, newest_first=False)

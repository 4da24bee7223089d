"""A training of shared weights: what it tells, how it goes on after a kill, and what it refuses."""

import pytest
import torch
from safetensors.torch import load_file
from telling import RECIPE, Told

from vitspace.errors import FailureError, InputError
from vitspace.sharing import folder
from vitspace.space import load_space
from vitspace.supernet import run, train
from vitspace.supernet.rehearsal import Rehearsal
from vitspace.training.processes import ProcessGroup

ALONE = ProcessGroup(0, 1, torch.device("cpu"))


def weights(path):
    return load_file(path / folder.WEIGHTS)


def test_memory_and_seconds_are_said_before_the_first_step(trained):
    _, _, told = trained
    text = "\n".join(told.notes)
    assert "M shared weights" in text and "in use on cpu" in text
    assert "4 steps of 4 designs, 8 images each" in text and "s a step, about" in text
    assert told.steps == [(done, 4) for done in (1, 2, 3, 4)]


def test_the_folder_tells_what_the_weights_are_of(trained, small):
    out, facts, _ = trained
    assert sorted(path.name for path in out.iterdir() if not path.name.startswith(".")) == [folder.WEIGHTS]
    file = folder.read(out)
    assert file.facts == facts
    assert (facts["space"], facts["done"], facts["steps"], facts["classes"]) == ("small", 4, 4, facts["classes"])
    smallest, largest = load_space(str(small)).ends()
    assert {name: end["spec_id"] for name, end in facts["ends"].items()} == {
        "smallest": smallest.id,
        "largest": largest.id,
    }
    assert sum(p.numel() for p in file.store.parameters()) == facts["params"]


def test_training_changes_what_the_designs_have_and_is_seeded(trained, ask):
    out, _, _ = trained
    again = ask()
    train(again, Told())
    one, other = weights(out), weights(again.out)
    assert all(torch.equal(one[name], other[name]) for name in one)
    first = run.SupernetTraining(ask(out=again.out.parent / "first"), Told(), ALONE).sandwich.store
    assert not any(torch.equal(one[f"weight/{role}"], each) for role, each in first.named_parameters() if each.ndim > 1)
    train(ask(out=again.out.parent / "other", seed=1), Told())
    assert any(not torch.equal(one[name], each) for name, each in weights(again.out.parent / "other").items())


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
@pytest.mark.parametrize("stop", [1, 3])
def test_a_stopped_training_goes_on_to_the_same_weights(trained, ask, monkeypatch, stop, error):
    out, facts, _ = trained
    if error is RuntimeError:  # as a kill, after which nothing is saved
        monkeypatch.setattr(run, "SAVE_EVERY", -1.0)
    request = ask()
    with pytest.raises(error):
        train(request, Told(stop, error))
    assert [path.name for path in request.out.glob("*.safetensors")] == [folder.STATE]
    with pytest.raises(InputError, match="not finished; --resume goes on"):
        folder.read(request.out)
    told = Told()
    found = train(ask(resume=True), told)
    assert told.steps == [(done, 4) for done in range(stop + 1, 5)]
    one, other = weights(out), weights(request.out)
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)
    assert found["train_losses"] == facts["train_losses"] and found["ends"] == facts["ends"]


def test_erased_and_mixed_images_are_those_of_the_step(ask, tmp_path):
    changes = {"recipe": f"{RECIPE},erase=0.9,mixup=0.2"}
    whole = ask(out=tmp_path / "whole", **changes)
    train(whole, Told())
    with pytest.raises(KeyboardInterrupt):
        train(ask(**changes), Told(2))
    train(ask(resume=True, **changes), Told())
    one, other = weights(whole.out), weights(ask().out)
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_an_interrupt_of_the_validation_loses_no_step(trained, ask, monkeypatch):
    out, _, _ = trained

    def interrupted(*args):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(run, "validate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            train(ask(), Told())
    told = Told()
    train(ask(resume=True), told)
    one, other = weights(out), weights(ask().out)
    assert not told.steps and all(torch.equal(one[name], other[name]) for name in one)


def test_a_finished_training_is_not_begun_again(trained, ask):
    out, facts, _ = trained
    told = Told()
    assert train(ask(out=out, resume=True), told) == facts and not told.steps
    longer = RECIPE.replace("steps=4", "steps=8")
    for changes, what in (({"seed": 3}, "seed"), ({"recipe": f"{RECIPE},lr=0.1"}, "lr"), ({"recipe": longer}, "steps")):
        with pytest.raises(InputError, match=rf"a resumed training keeps its {what}, which differs"):
            train(ask(out=out, resume=True, **changes), Told())
    with pytest.raises(InputError, match=r"a new folder, but .* has some; --resume goes on"):
        train(ask(out=out), Told())


def test_a_loss_that_is_no_number_is_said_and_not_kept(ask):
    request = ask(recipe=f"{RECIPE},lr=1e30,clip_grad=1e30")
    with pytest.raises(FailureError, match=r"the training loss is (nan|inf) by step [234]; try a lower lr"):
        train(request, Told())
    assert not request.out.exists() or not list(request.out.glob("*.safetensors"))


def test_the_step_that_is_tried_is_undone(ask):
    training = run.SupernetTraining(ask(), Told(), ALONE)
    store = training.sandwich.store
    before = {role: each.clone() for role, each in store.tensors.items()}
    training.introduce()
    assert all(torch.equal(before[role], each) for role, each in store.tensors.items())
    assert not training.sandwich.fitting.optimiser.state and all(each.grad is None for each in store.parameters())


def test_without_memory_it_is_said_what_would_fit(ask, monkeypatch):
    def alone(rehearsal, images):
        if images > 2:
            raise torch.OutOfMemoryError

    monkeypatch.setattr(Rehearsal, "alone", alone)
    with pytest.raises(InputError, match=r"8 images a step, but 2 fit: --recipe .*,batch_size=2"):
        train(ask(), Told())
    monkeypatch.setattr(Rehearsal, "alone", lambda rehearsal, images: alone(rehearsal, 8))
    with pytest.raises(InputError, match="even with 2 images a step; a lower --budget has smaller ones"):
        train(ask(), Told())
    monkeypatch.setattr(run, "available_memory", lambda: 1000)
    with pytest.raises(InputError, match=r"M shared weights take .* in training, but 0.0 MB are free"):
        train(ask(), Told())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"space": "none"}, "none"),
        ({"budget": "1"}, "no design of small fits"),
        ({"recipe": f"{RECIPE},width=0.5"}, "trained with width=1.0, but the recipe has width=0.5"),
        ({"recipe": f"{RECIPE},ema=0.9"}, "trained with ema=0.0"),
        ({"recipe": f"{RECIPE},compile=true"}, "compile=False, but the recipe has compile=True; .*,compile=false"),
        ({"data": "imagefolder:none"}, "there is no folder none/train"),
        ({"device": "cuda:9"}, "device is one of auto, cpu"),
        ({"resume": True}, "--resume goes on with a training of shared weights, but .* has none"),
    ],
)
def test_bad_input_is_said_and_leaves_nothing(ask, changes, message):
    request = ask(**changes)
    with pytest.raises(InputError, match=message):
        train(request, Told())
    assert not request.out.exists()


def test_a_wrong_recipe_is_said_before_the_space_is_explored(ask, monkeypatch):
    monkeypatch.setattr(run.SupernetRequest, "open_space", lambda request: pytest.fail("explored"))
    for changes in ({"recipe": "small,batch=4"}, {"data": "imagefolder:none"}, {"device": "cuda:9"}):
        with pytest.raises(InputError):
            train(ask(**changes), Told())


def test_the_recipe_that_an_error_names_can_be_typed(ask):
    with pytest.raises(InputError, match=r"--recipe tiny,img_size=32,width=1\.0 changes it"):
        ask(recipe="tiny,width=0.5,img_size=32").open_recipe()
    assert ask(recipe="tiny,img_size=32,width=1.0").open_recipe().img_size == 32


def test_one_design_shares_with_none(ask, small):
    least = load_space(str(small)).lattice.extreme("macs")
    with pytest.raises(InputError, match=rf"two designs at least, but small has 1 within {least}"):
        train(ask(budget=str(least)), Told())


def test_a_resumed_training_keeps_its_settings(ask):
    with pytest.raises(KeyboardInterrupt):
        train(ask(), Told(1))
    with pytest.raises(InputError, match="keeps its seed, which differs"):
        train(ask(resume=True, seed=3), Told())


def test_designs_are_the_ends_and_drawn_ones(ask):
    training = run.SupernetTraining(ask(), Told(), ALONE)
    steps = [training.designs(step) for step in range(4)]
    assert all(len(designs) == 4 and designs[:2] == [training.largest, training.smallest] for designs in steps)
    assert steps == [run.SupernetTraining(ask(), Told(), ALONE).designs(step) for step in range(4)]
    assert len({spec for designs in steps for spec in designs}) > 4

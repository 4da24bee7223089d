"""Work that is killed at any moment: nothing is lost, repeated, or left half-written once it is run again.

Each test kills until `KILLS` have met a process that ran; the 14 of them are 56 kills and more. With ``-rP`` they say
how many there were.
"""

import functools
import multiprocessing
import os
import random
import time
from itertools import count
from types import SimpleNamespace

import pytest

import vitspace
from vitspace.anchors import all_anchors, assemble
from vitspace.design import Design
from vitspace.export.folder import RECORD, export_folder
from vitspace.export.model import ExportedModel
from vitspace.families import FAMILIES  # noqa: F401 (registers the families)
from vitspace.fidelity.judging import measure_and_judge
from vitspace.folders import contents
from vitspace.latency.calibration import calibration_path, load_calibration
from vitspace.profile import calibrate, measurements
from vitspace.report.folder import write_report
from vitspace.report.study_file import read_study
from vitspace.searching.join import join
from vitspace.searching.monitor import Monitor
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore, study_names
from vitspace.study.trial import Trial
from vitspace.training import Overrides, TrainingRequest, train

pytestmark = pytest.mark.slow
#: Forked, as what takes the time is to import.
FORK = multiprocessing.get_context("fork")
#: Kills of a test that meet a process that runs, and tries in all: some come when it has ended.
KILLS, TRIES = 4, 16
SEEDS = pytest.mark.parametrize("seed", range(2))
STAGE = {"dim": [16, 32], "depth": 1, "head_dim": 16, "mlp_ratio": 1, "region_size": [2, 1]}
DESIGN = Design("small", assemble("msg", STAGE))
SPACE = "family: msg\nresolution: 64\naxes:\n  dim: {values: [8, 16, 24], scale: [1, 2, 4, 8]}\n  depth: [1, 2]\n"
TRIALS = 12


def trained(folder, resume):
    overrides = Overrides(epochs=2, batch_size=64, img_size=32)
    request = TrainingRequest(DESIGN, "digits", folder / "out", overrides=overrides, device="cpu", resume=resume)
    train(request, SimpleNamespace(note=lambda text: None, progress=lambda done, total: None))


def searched(folder):
    (folder / "small.yaml").write_text(SPACE + "  head_dim: [8]\n  mlp_ratio: [1, 2]\n")
    url = str(folder / "s.journal")
    resume = (folder / "s.journal").exists() and "s" in study_names(open_storage(url))
    settings = {"proxy": "params", "trials": TRIALS, "workers": 0, "accuracy": "proxy", "anchors": "none"}
    vitspace.search(str(folder / "small.yaml"), study="s", storage=url, resume=resume, out=folder / "out", **settings)


def joined(folder):
    join(StudyStore.open(str(folder / "s.journal"), "s"), {}, "vitspace worker", Monitor())


def exported(folder):
    export_folder(ExportedModel.of(DESIGN, None, 64, 5), ["spec", "timm"], folder / "out", force=True)


def reported(folder):
    write_report(StudyStore.open(str(folder / "s.journal"), "s").record(), folder / "out")


def judged(folder):
    request = vitspace.FidelityRequest(("params", "macs"), chosen=vitspace.DesignFilter(("msg",), kinds=("anchors",)))
    measure_and_judge(request, timeout=0, out=folder / "out")


def copied(folder):
    target = str(folder / "copy.db")
    if not (folder / "copy.db").exists() or "s" not in whole(target):
        vitspace.copy_study("s", f"sqlite:///{target}", str(folder / "s.journal"))


def whole(path):
    return [each.study for each in vitspace.list_studies(f"sqlite:///{path}")]


def calibrated(folder):
    os.environ["VITSPACE_CACHE"] = str(folder / "cache")
    specs = [row.spec for row in all_anchors().values() if row.spec and row.family == "mat"]
    found = SimpleNamespace(reference_ms=4.0, ratio=1.25, unsure=False)
    measurements.measure = lambda spec, settings, again: found
    measurements._designs = lambda space, count, seed: specs if space.name == "mat" else []
    calibrate(["eager"], 5)


def many(folder):
    store = StudyStore.create(open_storage(str(folder / "s.journal")), "s", StudyConfig(space="msg", trials=2), {})
    for number in range(60):
        store.save(store.study.ask(), Trial(number, "invalid", why="too wide"))


def ended(work, *args):
    process = FORK.Process(target=work, args=args)
    process.start()
    process.join(300)
    assert process.exitcode == 0, work


def killed(draw, longest, work, *args):
    """Run work in a process of its own and kill it at a random moment; return whether it was still running."""
    process = FORK.Process(target=work, args=args)
    process.start()
    time.sleep(draw.uniform(0, longest))
    running = process.is_alive()
    process.kill()
    process.join()
    return running


def took(work, *args):
    began = time.monotonic()
    ended(work, *args)
    return time.monotonic() - began


def hidden(folder):
    return [path for path in folder.rglob(".*") if "cache" not in path.parts[len(folder.parts) :]]


class Tally:
    """Kills so far: those that met a process that ran, and those that came when it had ended."""

    def __init__(self):
        self.hits = self.late = 0

    def __bool__(self):
        """Whether another kill is wanted."""
        return self.hits < KILLS and self.hits + self.late < TRIES

    def add(self, running):
        self.hits, self.late = self.hits + running, self.late + (not running)

    def __repr__(self):
        return f"Tally({self.hits} hits, {self.late} late)"

    def told(self, name):
        print(f"{name}: {self.hits} kills while it ran, {self.late} when it had ended; nothing lost, nothing left")
        assert self.hits >= KILLS


WORKS = {"export": exported, "report": reported, "fidelity": judged, "copy": copied}


@SEEDS
@pytest.mark.parametrize("name", WORKS)
def test_what_is_killed_is_whole_after_the_next_run(name, seed, tmp_path):
    work, draw, tally = WORKS[name], random.Random(f"{name} {seed}"), Tally()
    many(tmp_path)
    longest = took(work, tmp_path)
    while tally:
        if name == "copy":
            (tmp_path / "copy.db").unlink(missing_ok=True)
        tally.add(killed(draw, longest, work, tmp_path))
        if name == "export":
            assert contents(tmp_path / "out")  # the former or the new one, never none
        ended(work, tmp_path)
        assert not hidden(tmp_path), tally
    if name == "copy":
        copy = StudyStore.open(f"sqlite:///{tmp_path}/copy.db", "s").record()
        assert copy.trials == StudyStore.open(str(tmp_path / "s.journal"), "s").record().trials
    elif name == "export":
        assert (tmp_path / "out" / RECORD).exists()
    elif name == "report":
        assert len(read_study(tmp_path / "out").trials) == 60
    tally.told(name)


@SEEDS
def test_a_training_that_is_killed_goes_on_or_begins_again(tmp_path, seed):
    draw, tally = random.Random(seed), Tally()
    longest = took(trained, tmp_path / "first", False)
    for number in count():
        if not tally:
            break
        folder = tmp_path / str(number)
        tally.add(killed(draw, longest, trained, folder, False))
        ended(trained, folder, (folder / "out" / "state.pt").exists())
        assert {path.name for path in (folder / "out").iterdir()} == {
            path.name for path in (tmp_path / "first" / "out").iterdir()
        }
    tally.told("train")


@SEEDS
def test_a_study_whose_workers_are_killed_loses_and_repeats_nothing(tmp_path, seed):
    """Two processes evaluate its designs, and one after the other is killed."""
    draw, tally = random.Random(seed), Tally()
    longest, kept, joins = took(searched, tmp_path), 0, 0
    for number in count():
        if not tally:
            break
        folder = tmp_path / str(number)
        folder.mkdir()
        begun = FORK.Process(target=searched, args=(folder,))
        begun.start()
        time.sleep(draw.uniform(0.3, 0.9) * longest)
        before = complete(folder)
        if before:
            met = killed(draw, longest / 4, joined, folder)
            tally.add(met)
            joins += met
        running = begun.is_alive()
        tally.add(running)
        begun.kill()
        begun.join()
        if not running:
            longest /= 2  # the first run was slower than these are
        seen = complete(folder)
        ended(functools.partial(searched, folder))
        after, kept = complete(folder), kept + len(seen)
        assert len(after) == TRIALS and len(set(after.values())) == TRIALS
        assert seen.items() <= after.items() and not hidden(folder)
    assert kept and joins, "no kill met a study with completed trials, or no worker that joined"
    tally.told("search")


def complete(folder):
    """Return the completed trials' designs by number."""
    path = folder / "s.journal"
    if not path.exists() or "s" not in study_names(open_storage(str(path))):
        return {}
    store = StudyStore.load(open_storage(str(path)), "s", whole=False)
    return {trial.number: trial.spec.id for trial in store.trials() if trial.complete}


@SEEDS
def test_a_calibration_that_is_killed_is_made_by_the_next_run(tmp_path, monkeypatch, seed):
    monkeypatch.setenv("VITSPACE_CACHE", str(tmp_path / "cache"))
    draw, tally = random.Random(seed), Tally()
    longest = took(calibrated, tmp_path)
    while tally:
        calibration_path("eager").unlink()
        tally.add(killed(draw, longest, calibrated, tmp_path))
        ended(calibrated, tmp_path)
        assert load_calibration(calibration_path("eager")).samples
        left = [path.name for path in (tmp_path / "cache").iterdir() if path.name.startswith((".", "calibration"))]
        assert left == [calibration_path("eager").name]
    tally.told("calibrate")

"""A family of our own that was not there before, and proxies of another package: nothing else is told of them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from newcomers import FAMILY, install

import vitspace
from vitspace.files import data_folder
from vitspace.latency import Latency
from vitspace.proxies import kind_of
from vitspace.proxies.score_tables import read_table
from vitspace.report.check import check_sentence
from vitspace.report.words import headline
from vitspace.searching import evaluate

SPACE = """
family: toy
resolution: 224
axes:
  dim: {values: [16, 24], scale: [1, 2, 4, 8]}
  depth: {each: [1, 2]}
  inner: {each: [8, 16]}
"""
ANCHOR = "toy_tiny:\n  stage: {dim: [16, 32, 64, 128], depth: 1, inner: 8}\n"
ROW = "toy_tiny,toy,toy,1,anchor,224,0.2,0.01,50.0,,,,\n"

#: Takes the seventh family down the whole road, one command after the other.
ROAD = """
import contextlib, io, json, sys
import torch
from vitspace.cli import main
from vitspace.costs import cost
from vitspace.latency import Latency
from vitspace.searching import evaluate

torch.set_num_threads(1)


def measure(spec, settings):
    ms = cost(spec).macs / 1e8
    return Latency(ms, ms, ms, ms, ms, ms, 1.0, 1.0, 0.0, "eager", settings.runs, 1, 1, "float32", "test")


def call(*words):
    sys.argv, out = ["vitspace", *words, "--json"], io.StringIO()
    with contextlib.redirect_stdout(out):
        try:
            main()
        except SystemExit as ended:
            assert not ended.code, words
    return json.loads(out.getvalue())


evaluate.measure = measure
train = "train:steps=2,batch_size=4,warmup=1,max_train=12,max_val=8,data=fractal:2,width=0.5"
found = {
    "draw": call("space", "draw", "toy", "-n", "4"),
    "anchors": call("anchors", "--family", "toy"),
    "search": call(
        "search", "--space", "toy", "--trials", "2", "--proxy", train, "--device", "cpu", "--workers", "0",
        "--peers", "none", "--out", "report"
    ),
    "fidelity": call("fidelity", "params", "--family", "toy", "--out", "cards"),
}
json.dump(found, sys.stdout)
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory):
    """A checkout with a seventh family: its file, its space, its published row and nothing more."""
    root = tmp_path_factory.mktemp("house")
    shutil.copytree(Path(vitspace.__file__).parent, root / "vitspace", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("spaces", "studies", "reports/fidelity"):
        shutil.copytree(data_folder(name), root / name)
    (root / "vitspace" / "families" / "toy.py").write_text(FAMILY)
    (root / "spaces" / "toy.yaml").write_text(SPACE)
    (root / "vitspace" / "anchors" / "toy.yaml").write_text(ANCHOR)
    with (root / "vitspace" / "anchors" / "published.csv").open("a") as file:
        file.write(ROW)
    return root


@pytest.fixture(scope="module")
def road(house):
    env = os.environ | {"PYTHONPATH": str(house), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", ROAD]
    done = subprocess.run(command, cwd=house, env=env, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_seventh_family_is_drawn_and_costed(road):
    assert {stage["family"] for design in road["draw"] for stage in design["stages"]} == {"toy"}
    assert all(design["params"] and design["macs"] for design in road["draw"])
    [row] = road["anchors"]
    assert (row["id"], row["family"], row["status"]) == ("toy_tiny", "toy", "reproduced")


def test_a_seventh_family_is_searched_and_reported(road, house):
    trials = road["search"]["trials"]
    assert [trial["state"] for trial in trials] == ["complete"] * 2 and trials[0]["anchor"] == "toy_tiny"
    assert "toy-T" in (house / "report" / "index.html").read_text()


def test_a_seventh_family_is_in_the_figure_of_the_proxies(road, house):
    [card] = road["fidelity"]
    assert card["anchors"] == 23
    assert "tau (23 anchors)" in (house / "cards" / "cards.md").read_text()
    assert (house / "cards" / "fidelity.png").stat().st_size > 0


TRAINING = """
from vitspace.costs import cost
from vitspace.proxies import Score


class Learns:
    worst = None

    def __init__(self, argument, data):
        self.argument, self.data = argument, data

    def describe(self):
        return {"name": f"learns:{self.argument}", "data": self.data, "measures": "accuracy on stripes"}

    def score(self, spec, seed, on_step=None):
        return Score(cost(spec).params / 1e8 + seed, 0.1, {"curve": [(1, 2.0), (2, 1.0)]})


def open_proxy(argument, data, device, seed=0):
    return Learns(argument, data)
"""
FEW = "family: mat\naxes: {dim: {values: [16, 24], scale: [1, 2, 4, 8]}, depth: [1]}\n"
FREE = TRAINING.replace("learns", "counts").replace("Learns", "Counts") + "\nTRAINS = False\n"


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A package with a proxy that trains, and one that does not."""
    folder = tmp_path_factory.mktemp("package")
    (folder / "strangers").mkdir()
    (folder / "strangers" / "__init__.py").write_text("")
    (folder / "strangers" / "learns.py").write_text(TRAINING)
    (folder / "strangers" / "counts.py").write_text(FREE)
    install(folder, "strangers", "vitspace.proxies", learns="strangers.learns", counts="strangers.counts")
    return folder


@pytest.fixture
def installed(package, monkeypatch, tmp_path):
    def measure(spec, settings):
        ms = vitspace.cost(spec).macs / 1e8
        return Latency(ms, ms, ms, ms, ms, ms, 1.0, 1.0, 0.0, "eager", settings.runs, 1, 1, "float32", "test")

    monkeypatch.setattr(evaluate, "measure", measure)
    monkeypatch.syspath_prepend(package)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "few.yaml").write_text(FEW)
    yield
    for name in [name for name in sys.modules if name.startswith("strangers")]:
        del sys.modules[name]


def test_a_proxy_tells_whether_it_trains(installed):
    assert (kind_of("learns:fast").trains, kind_of("learns:fast").takes_data) == (True, True)
    assert (kind_of("counts").trains, kind_of("counts").takes_data) == (False, False)


@pytest.mark.parametrize(
    ("proxy", "said"),
    [
        ("learns:fast", "Proxy scores are the accuracy on stripes after a short training from scratch: a check"),
        ("counts", "Proxy scores are the numbers of the training-free proxy counts:, and no accuracy"),
    ],
)
def test_a_proxy_of_another_package_is_searched_by_and_reported(installed, proxy, said):
    study = vitspace.search("few.yaml", proxy=proxy, trials=2, sampler="random", device="cpu", workers=0, out="report")
    assert [trial.state for trial in study.record.completed] == ["complete"] * 2
    assert study.record.resolved["proxy"]["trains"] is (proxy != "counts")
    assert said in check_sentence(study.record) and "2 designs evaluated" in headline(study.record)


@pytest.mark.parametrize(
    ("proxy", "data", "known_as", "table"),
    [
        ("learns:fast", "digits", "learns:fast,data=digits", "trained.csv"),
        ("learns", "", "learns", "trained.csv"),
        ("counts", "", "counts", "scores.csv"),
    ],
)
def test_a_proxy_of_another_package_is_judged(installed, proxy, data, known_as, table):
    chosen = vitspace.DesignFilter(("mat",), kinds=("anchors",))
    request = vitspace.FidelityRequest((proxy,), data=data, chosen=chosen)
    [card] = vitspace.measure_and_judge(request, out=Path("cards")).cards
    assert (card.proxy, card.anchors, card.kendall_tau, card.source) == (known_as, 5, 1.0, "measured")
    assert {row.proxy for row in read_table(Path("cards") / table)} >= {known_as}
    again = vitspace.measure_and_judge(request, timeout=0).cards[0]
    assert again.anchors == 5

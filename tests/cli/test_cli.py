"""The command line as a user runs it."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from inside import SMALL, vitspace

from vitspace.cli import app

REGISTERED = [
    *app.registered_commands,
    *(c for g in app.registered_groups for c in g.typer_instance.registered_commands),
]
COMMANDS = [command.callback.__name__ for command in REGISTERED]


def process(*args, cwd, check=0):
    """Run `python -m vitspace ARGS` as a process of its own, where that is the point."""
    env = os.environ | {"PYTHONWARNINGS": "error::DeprecationWarning:vitspace", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "vitspace", *args], cwd=cwd, env=env, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == check, done.stderr
    return done


PROXY = ["--proxy", "train:steps=3,warmup=1,batch_size=8,img_size=32,max_train=64,max_val=32", "--data", "digits"]
#: One small peer: those of the default take seconds each.
STUDY = ["--space", "small.yaml", "--budget", "1G", *PROXY, "--trials", "2", "--peers", "mobilenetv4_conv_small"]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder in which a small study was run by two processes that this one started."""
    cwd = tmp_path_factory.mktemp("study")
    (cwd / "small.yaml").write_text(SMALL)
    vitspace("search", *STUDY, "--study", "first", "--workers", "2", cwd=cwd)
    return cwd


def test_help_is_quick_and_needs_no_torch(tmp_path):
    start = time.perf_counter()
    code = "import sys; sys.argv = ['vitspace', '--help']\nfrom vitspace.cli import main\n"
    code += (
        "try: main()\nexcept SystemExit: pass\nassert not {'torch', 'timm', 'ray', 'nni', 'optuna'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, cwd=tmp_path)
    print(f"{time.perf_counter() - start:.2f} s")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_and_option_has_help(command):
    registered = next(c for c in REGISTERED if c.callback.__name__ == command)
    assert registered.callback.__doc__
    defaults = registered.callback.__wrapped__.__defaults__
    assert all(option.help for option in defaults)


def test_a_search_leaves_a_study_and_a_report(finished):
    folder = finished / "reports" / "first"
    made = {path.name for path in folder.iterdir()}
    assert {"report.md", "front.csv", "front.md", "study.json", "score_flops.png", "score_latency.pdf"} <= made
    assert (finished / "studies.journal").exists()


def test_report_prints_the_study_as_json(finished):
    data = json.loads(vitspace("report", "first", "--json", cwd=finished).stdout)
    assert {"study", "space", "budget", "proxy", "engine", "seed", "trials", "front", "anchors", "hypervolume"} <= set(
        data
    )
    assert [t["state"] for t in data["trials"]].count("complete") == 2
    assert set(data["front"]) <= {t["number"] for t in data["trials"]}
    assert {"number", "spec_id", "family", "anchor", "state", "why", "params", "macs", "latency_ms", "score"} <= set(
        data["trials"][0]
    )


def test_the_same_seed_gives_the_same_scores_with_any_number_of_workers(finished):
    first = json.loads(vitspace("report", "first", "--json", cwd=finished).stdout)["trials"]
    second = json.loads(
        vitspace("search", *STUDY, "--study", "second", "--workers", "0", "--json", cwd=finished).stdout
    )["trials"]
    keep = ("spec_id", "state", "params", "macs", "score", "seed")
    assert [{k: t[k] for k in keep} for t in first] == [{k: t[k] for k in keep} for t in second]


def test_a_process_that_only_reads_studies_knows_their_families(finished):
    data = json.loads(process("studies", "show", "first", "--json", cwd=finished).stdout)
    assert data["states"]["complete"] >= 2


def test_a_finished_study_resumed_prints_its_json(finished):
    done = vitspace("search", "--study", "first", "--resume", "--json", cwd=finished)
    assert len(json.loads(done.stdout)["front"]) >= 1


def test_a_resumed_study_is_topped_up(finished):
    before = json.loads(vitspace("report", "first", "--json", cwd=finished).stdout)["trials"]
    done = vitspace("search", "--study", "first", "--resume", "--trials", "3", "--json", cwd=finished)
    after = json.loads(done.stdout)["trials"]
    assert after[: len(before)] == before
    assert [t["state"] for t in after].count("complete") == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--space", "mgs"], "or a path to a .yaml file, but got 'mgs'"),
        (["--space", "msg", "--budget", "4X"], "a quantity is a positive number such as 4G, 350M or 4e9, but got '4X'"),
        (["--space", "small.yaml", "--budget", "1K"], "M FLOPs, and the budget is at most 1K"),
        (["--space", "msg", "--budget", "4G", "--trials", "1"], "at least 2 (msg_tiny), but got 1"),
        (["--space", "msg", "--data", "imagefolder:empty"], "empty"),
        (["--space", "msg", "--data", "imagenet"], "data is fractal"),
        (["--space", "msg", "--device", "cuda:9"], "device is one of auto, cpu"),
        (["--space", "msg", "--proxy", "oracle"], "a proxy is one of halving, supernet, train"),
        (["--space", "msg", "--proxy", "train:huge"], "a training preset is one of check, tiny"),
        (["--space", "msg", "--proxy", "zico", "--data", "digits"], "data is fractal, but got 'digits'"),
        (["--space", "msg", "--sampler", "best"], "sampler"),
        (["--space", "msg", "--storage", "no/such/s.journal", "--study", "x"], "a storage lies in an existing folder"),
        (["--config", "bad.yaml"], "bad.yaml:2: unknown key 'trails'"),
        (["--config", "none.yaml"], "there is none at 'none.yaml'"),
        (["--study", "none", "--resume"], "there is no file 'studies.journal'"),
        ([], "key 'space' is missing"),
        (["--space", "msg", "--budget", ""], "a quantity is a positive number"),
        (["--space", "small.yaml", "--budget", "100G..200G"], "no design of small fits: the largest costs"),
        (["--space", "small.yaml", "--params", "1K"], "no design of small fits: the smallest costs"),
        (["--space", "msg", "--study", "../x"], "a study's name is of letters"),
        (["--space", "msg", "--out", "bad.yaml"], "a report needs a folder that can be written"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(tmp_path, args, message):
    (tmp_path / "empty").mkdir()
    (tmp_path / "bad.yaml").write_text("space: msg\ntrails: 3\n")
    (tmp_path / "small.yaml").write_text(SMALL)
    before = sorted(tmp_path.iterdir())
    done = vitspace("search", *args, cwd=tmp_path, check=2)
    errors = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1 and message in errors[0]
    assert "Traceback" not in done.stderr and done.stdout == ""
    assert sorted(tmp_path.iterdir()) == before


def test_a_process_says_of_bad_input_one_line_and_ends_with_2(tmp_path):
    done = process("studies", "show", "none", cwd=tmp_path, check=2)
    assert (
        done.stderr == "error: a storage is a journal file or a database URL, but there is no file 'studies.journal'\n"
    )


def test_a_trial_run_again_alone_gives_the_same_score(finished):
    again = json.loads(vitspace("worker", "first", "--trial", "1", "--json", cwd=finished).stdout)
    assert again["equal"] and again["score"] == again["stored_score"]
    trial = json.loads(vitspace("report", "first", "--json", cwd=finished).stdout)["trials"][1]
    assert again["score"] == trial["proxy_score"] and again["spec_id"] == trial["spec_id"]


def test_a_taken_name_is_refused(finished):
    args = ["--space", "small.yaml", "--budget", "1G", "--study", "first"]
    done = vitspace("search", *args, cwd=finished, check=2)
    assert "'first' exists; go on with --resume" in done.stderr


def test_a_resumed_study_keeps_its_settings(finished):
    done = vitspace("search", "--study", "first", "--resume", "--budget", "2G", cwd=finished, check=2)
    assert "a resumed study keeps its budget, '1G', but got '2G'" in done.stderr


def test_a_study_whose_space_was_edited_is_not_gone_on_with(finished, tmp_path):
    folder = shutil.copytree(finished, tmp_path / "edited")
    text = (folder / "small.yaml").read_text()
    (folder / "small.yaml").write_text(text.replace("resolution: 64", "resolution: 96"))
    done = vitspace("search", "--study", "first", "--resume", "--trials", "9", cwd=folder, check=2)
    assert "goes on with the space it was made of, but resolution was 64 and is 96 here" in done.stderr
    assert (folder / "small.yaml").read_text() != text


def test_anchors_as_json(tmp_path):
    rows = json.loads(vitspace("anchors", "--family", "msg", "--role", "anchor", "--json", cwd=tmp_path).stdout)
    assert [(row["id"], row["params"], row["status"]) for row in rows] == [
        ("msg_tiny", 25_086_116, "reproduced"),
        ("msg_small", 55_968_514, "reproduced"),
        ("msg_base", 84_392_770, "reproduced"),
    ]


def test_a_training_free_search_warns_once_and_says_so_in_its_report(tmp_path):
    (tmp_path / "small.yaml").write_text(SMALL)
    options = ["--space", "small.yaml", "--budget", "1G", "--proxy", "ridge", "--trials", "3", "--study", "free"]
    done = vitspace("search", *options, "--json", cwd=tmp_path)
    assert done.stderr.count("a search that maximises it stacks layers or params") == 1
    assert 0 < json.loads(done.stdout)["hypervolume"] < 1
    text = (tmp_path / "reports" / "free" / "report.md").read_text()
    assert (
        "training-free proxy ridge, and no accuracy. As evidence of accuracy, when the search ran, ridge weighs" in text
    )


def test_fidelity_prints_report_cards_as_json(tmp_path):
    cards = json.loads(vitspace("fidelity", "ridge", "params", "--json", cwd=tmp_path).stdout)
    assert [card["proxy"] for card in cards] == ["ridge", "params"]
    assert {card["fitted"] for card in cards} == {"leave-one-family-out", "none"}
    assert not list(tmp_path.iterdir())


def test_fidelity_writes_tables_and_figures(tmp_path):
    done = vitspace("fidelity", "params", "--out", "cards", cwd=tmp_path)
    assert "0.5 of 12" in done.stdout
    made = {path.name for path in (tmp_path / "cards").iterdir()}
    assert made == {"scores.csv", "cards.json", "cards.md", "fidelity.png", "fidelity.pdf"}


def test_fidelity_estimates_a_design(tmp_path):
    done = vitspace("fidelity", "--estimate", "msg_tiny", cwd=tmp_path)
    assert done.stdout.startswith("msg_tiny: estimated ImageNet-1k top-1 ") and "not a result" in done.stdout
    vitspace("fidelity", "--estimate", "swin_tiny", cwd=tmp_path, check=2)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--estimate", "msg_tiny", "zico", "--data", "digits"), "of one design, but got proxies, --data beside it"),
        (("zico", "--data", "cifar10:/nowhere"), "data belong to a proxy that trains"),
        (("params", "--out", "/proc/none"), "a report needs a folder that can be written"),
        (("params", "--timeout", "-5"), "'--timeout'"),
    ],
)
def test_fidelity_refuses_what_it_would_ignore(tmp_path, args, message):
    assert message in vitspace("fidelity", *args, cwd=tmp_path, check=2).stderr


def test_fidelity_refuses_what_it_does_not_know(tmp_path):
    done = vitspace("fidelity", "luck", cwd=tmp_path, check=2)
    assert "a proxy is one of halving, supernet, train" in done.stderr and len(done.stderr.splitlines()) == 1


URL = "postgresql://u:p@ss:Secret123@127.0.0.1:1/x"
PLACES = (["report"], ["search", "--study"], ["search", "--space"], ["train", "mat_1", "--data"], ["profile"])


@pytest.mark.parametrize("place", [*PLACES, ["studies", "list", "--storage"]])
def test_no_error_shows_a_password_wherever_its_url_stands(tmp_path, place):
    done = vitspace(*place, URL, cwd=tmp_path, check=2)
    assert done.stderr.startswith("error: ") or "\nerror: " in done.stderr
    assert "Secret123" not in done.stderr + done.stdout

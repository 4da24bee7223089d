"""The Python API of studies, and the snippets of docs/api.md."""

import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial

SNIPPETS = re.findall(
    r"<!-- snippet -->\n```python\n(.*?)```", (Path(__file__).parent.parent / "docs/api.md").read_text(), re.DOTALL
)


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """What the snippets leave behind, run one after the other in an empty folder."""
    names = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("api"))
        for snippet in SNIPPETS:
            exec(snippet, names)
        assert Path("front.png").is_file() and Path("reports/first/index.html").is_file()
        yield names["study"]


@pytest.mark.slow
def test_results_are_data_frames(study):
    for frame in (study.trials, study.front, study.anchors):
        assert isinstance(frame, pd.DataFrame)
    assert set(study.front.index) == {trial.number for trial in study.record.front}
    assert (study.trials["state"] == "complete").sum() == 3


@pytest.mark.slow
def test_the_best_has_a_spec(study):
    assert isinstance(study.best("knee").spec, vitspace.Spec)
    assert study.best("best").score == study.trials["score"].max()
    assert study.best(0).anchor == "msg_tiny"


@pytest.mark.slow
def test_unknown_names_are_the_users_error(study):
    with pytest.raises(InputError, match="a figure is one of score_flops"):
        study.figure("pie")
    with pytest.raises(InputError, match="a study is one of first, but got 'second'"):
        vitspace.load_study("second")


def test_a_study_prints_its_front_in_few_columns():
    spec = vitspace.anchor("msg_tiny").spec
    trial = Trial(
        0, "complete", spec, anchor="msg_tiny", params=25_086_000, macs=3_821_000_000, latency_ms=40, score=-0.5
    )
    lines = repr(vitspace.Study(StudyRecord("s", StudyConfig(space="msg", accuracy="proxy"), [trial]))).splitlines()
    assert lines[0].startswith("<Study s: 1 design evaluated")
    assert " ".join(lines[1].split()) == "trial design FLOPs, G params, M CPU latency, ms proxy score"
    assert lines[2].split() == ["0", "MSG-T", "3.82", "25.1", "40.0", "-0.500"]


def test_objects_draw_themselves_in_a_notebook():
    anchor = vitspace.anchor("msg_tiny")
    shown = (anchor, anchor.spec, vitspace.cost(anchor.spec), vitspace.load_space("msg"))
    for each, word in zip(shown, ("82.4", "<svg", "stage 1 block 1", "mlp_ratio"), strict=True):
        assert word in each._repr_html_()


def test_the_names_need_no_torch():
    code = "import sys, vitspace; assert {'search', 'load_study'} <= set(dir(vitspace)); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_every_public_name_is_in_the_reference():
    page = (Path(__file__).parent.parent / "docs/reference/python.md").read_text()
    assert [name for name in vitspace.__all__ if not re.search(rf"\b{name}\b", page)] == ["__version__"]

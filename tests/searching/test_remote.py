"""An evaluation in another process is refused where that has another space, proxy or code."""

import json
from types import SimpleNamespace

import pytest

from vitspace.errors import InputError
from vitspace.searching.monitor import Monitor
from vitspace.searching.remote import RemoteStudy, remote_evaluator
from vitspace.searching.session import open_evaluator
from vitspace.study.config import StudyConfig

CONFIG = StudyConfig(space="mat", budget="1G", proxy="params")


@pytest.fixture(scope="module")
def study():
    return RemoteStudy.of(SimpleNamespace(config=CONFIG, evaluator=open_evaluator(CONFIG, "command", Monitor())))


def changed(study, what, **values):
    made_of = json.loads(study.made_of)
    made_of[what] = {**made_of[what], **values} if values else "of another version"
    return study._replace(made_of=json.dumps(made_of))


def test_a_process_of_the_same_space_proxy_and_code_evaluates(study):
    evaluator = remote_evaluator(study)
    assert (evaluator.command, evaluator.space.name) == ("command", "mat")
    assert remote_evaluator(study) is evaluator


@pytest.mark.parametrize(
    ("what", "values", "why"),
    [
        ("space", {"axes": {}}, r"goes on with the space it was made of, but axes was \{\} and is .* here"),
        ("proxy", {"name": "macs"}, "goes on with the proxy it was made of, but name was 'macs' and is 'params.* here"),
        (
            "code",
            {},
            r"the files of vitspace or of the proxy differ here \(\w+ here, .* there\); install .* \(on \S+\)",
        ),
    ],
)
def test_a_process_of_another_space_proxy_or_code_is_refused(study, what, values, why):
    with pytest.raises(InputError, match=why):
        remote_evaluator(changed(study, what, **values))

import pytest

from vitspace.errors import InputError
from vitspace.files import data_names, find_yaml, read_yaml
from vitspace.study.config import StudyConfig


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"space": "msg", "budget": "4G"}, "msg-4G"),
        ({"space": "a/mine.yaml", "budget": "3G..4G", "latency": "60ms"}, "mine-3G..4G-60ms"),
        ({"space": "msg"}, "msg"),
    ],
)
def test_a_study_is_named_after_its_space_and_budget(settings, name):
    assert StudyConfig.of(settings).default_name() == name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, "key 'space' is missing"),
        ({"space": "msg", "budget": "4X"}, "a quantity is a positive number such as 4G, 350M or 4e9, but got '4X'"),
        ({"space": "msg", "trails": 3}, "unknown key 'trails'; known keys: space, budget"),
        ({"space": "msg", "trials": -1}, "trials: .*but got -1"),
        ({"space": "msg", "timeout": float("inf")}, "timeout: Input should be a finite number, but got inf"),
        ({"space": "msg", "gpus": float("nan"), "engine": "ray"}, "gpus: .*but got nan"),
    ],
)
def test_bad_settings_say_the_rule_and_the_value(settings, message):
    with pytest.raises(InputError, match=message):
        StudyConfig.of(settings)


@pytest.mark.parametrize("name", data_names("studies"))
def test_every_study_file_is_valid_and_says_what_it_answers(name):
    path = find_yaml(name, "studies")
    assert read_yaml(path, StudyConfig).space
    header = [line for line in path.read_text().splitlines() if line.startswith("#")]
    assert "?" in header[0] and any("Command:" in line for line in header)


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"space": "msg", "budget": "3.5G .. 4G", "latency": "60 ms"}, "msg-3.5G_.._4G-60_ms"),
        ({"space": "my spaces/a b.yaml"}, "a_b"),
        ({"space": "/x/.hidden.yaml"}, "hidden"),
    ],
)
def test_a_default_name_names_a_folder(settings, name):
    assert StudyConfig.of(settings).default_name() == name


@pytest.mark.parametrize(("settings", "proxy"), [({}, "train:check"), ({"accuracy": "proxy"}, "train")])
def test_a_training_beside_estimates_is_a_check(settings, proxy):
    config = StudyConfig.of({"space": "mat", **settings})
    assert (config.proxy, config.data) == (proxy, None)
    assert StudyConfig.of({"space": "mat", "proxy": "train:tiny", **settings}).proxy == "train:tiny"

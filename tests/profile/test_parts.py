import json

import numpy as np
import pytest

from vitspace.families import anchor
from vitspace.latency import LatencySettings
from vitspace.profile import clocks, profile
from vitspace.profile.clocks import dense_part_milliseconds
from vitspace.profile.figure import profile_figure
from vitspace.tasks.dense import DenseTask

SPEC = anchor("mat_1").spec


@pytest.fixture(scope="module")
def result():
    return profile("mat_1", SPEC, [LatencySettings(runs=3, img_size=64)])


def test_parts_add_up_and_are_timed(result):
    assert sum(part.params for part in result.parts) == result.costs.params
    assert sum(part.macs for part in result.parts) == result.costs.macs
    assert all(part.ms is not None and part.ms > 0 for part in result.parts if "tokens" not in part.name)


def test_memory_is_that_of_a_process_of_its_own(result):
    memory, weights = result.memory, 4e-6 * result.costs.params
    assert memory.start_mb < memory.built_mb <= memory.peak_mb
    assert weights < memory.network_mb < weights + 500


def test_json_has_what_checks_read(result):
    data = json.loads(json.dumps(result.to_json()))
    assert {"params", "macs", "latency", "parts"} <= set(data)
    assert {"backend", "threads", "batch", "dtype", "median_ms", "p10_ms", "p90_ms", "runs", "predicted_ms"} <= set(
        data["latency"][0]
    )
    assert {"name", "params", "macs", "ms"} <= set(data["parts"][0])
    assert {"start_mb", "built_mb", "peak_mb", "network_mb"} == set(data["memory"])


def test_the_figure_has_a_bar_a_part_in_three_panels(result):
    figure = profile_figure(result)
    assert [len(axes.patches) for axes in figure.axes] == [len(result.parts)] * 3


@pytest.fixture(scope="module")
def dense():
    task = DenseTask.of("semantic-fpn", (64, 96))
    return profile("mat_1", SPEC, [LatencySettings(runs=3, task=task)])


def test_sections_of_a_dense_task_add_up_and_are_timed(dense):
    assert [section.name for section in dense.sections] == ["backbone", "neck", "head"]
    for name in ("params", "macs", "activations"):
        assert sum(getattr(section, name) for section in dense.sections) == getattr(dense.costs, name)
    assert all(section.ms > 0 for section in dense.sections)
    assert all(part.ms is not None for part in dense.parts if "tokens" not in part.name)


def test_the_head_takes_what_backbone_and_neck_leave_of_each_run(monkeypatch):
    runs = {"network": [10.0, 11.0, 30.0], "backbone": [5.0, 9.0, 12.0], "neck": [4.0, 1.0, 17.0]}  # medians: 11, 9, 4
    monkeypatch.setattr(clocks, "_times", lambda *args: {name: np.array(each) for name, each in runs.items()})
    times = dense_part_milliseconds(SPEC, DenseTask.of("semantic-fpn", (64, 64)))
    assert times == {"backbone": 9.0, "neck": 4.0, "head": 1.0}


def test_a_dense_tasks_network_is_timed_whole_at_its_size(dense):
    assert dense.img_size == (64, 96)
    assert dense.memory.network_mb > 4e-6 * dense.costs.params


def test_json_of_a_dense_task_names_it(dense):
    data = json.loads(json.dumps(dense.to_json()))
    assert (data["task"], data["num_classes"], data["img_size"]) == ("semantic-fpn", 150, [64, 96])
    assert {"name", "params", "macs", "activations", "ms"} == set(data["sections"][0])
    assert [part["name"] for part in data["parts"]][-2:] == ["neck", "branch"]


def test_the_figure_of_a_dense_task_names_it(dense):
    assert "mat_1, semantic-fpn, at 64x96 px" in profile_figure(dense).get_suptitle()


def test_a_detectors_backbone_and_neck_are_timed_apart():
    times = dense_part_milliseconds(SPEC, DenseTask.of("retinanet", (64, 64)))
    assert {"backbone", "neck", "head", "stem", "stage 4 block 1"} <= times.keys()
    assert times["backbone"] > times["stem"] and times["head"] > 0

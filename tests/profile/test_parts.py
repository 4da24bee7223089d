import json

import pytest

from vitspace.families import anchor
from vitspace.latency import LatencySettings
from vitspace.profile import profile
from vitspace.profile.figure import profile_figure

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

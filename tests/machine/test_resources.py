import psutil
import pytest

from vitspace.machine import resources
from vitspace.machine.resources import available_memory, usable_cores

V1 = "4:cpu,cpuacct:/docker/abc\n9:memory:/docker/abc\n"


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine of 64 cores and 64 GB, with the cgroup files given."""
    monkeypatch.setattr(resources, "cores", lambda: list(range(64)))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: type("Memory", (), {"available": 64_000_000_000}))

    def make(membership, files):
        for name, text in {"proc/self/cgroup": membership, **files}.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2),  # docker run --cpus 2
        ("0::/\n", {"cpu.max": "max 100000\n"}, 64),
        ("0::/\n", {"cpu.max": "50000 100000\n"}, 1),
        ("0::/a.slice/b\n", {"a.slice/cpu.max": "350000 100000\n", "a.slice/b/cpu.max": "max 100000\n"}, 3),
        ("0::/../../elsewhere\n", {"cpu.max": "400000 100000\n"}, 4),
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "200000\n", "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, 2),
        (V1, {"cpu/cpu.cfs_quota_us": "300000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 3),  # seen from inside
        (V1, {"cpu/docker/abc/cpu.cfs_quota_us": "-1\n", "cpu/docker/abc/cpu.cfs_period_us": "100000\n"}, 64),
        ("", {}, 64),
    ],
)
def test_a_quota_limits_the_cores(machine, membership, files, expected):
    root = machine(membership, {f"sys/fs/cgroup/{name}": text for name, text in files.items()})
    assert usable_cores(root) == expected


def test_a_machine_without_control_groups_has_the_cores_of_the_affinity(machine, tmp_path):
    assert usable_cores(tmp_path) == 64 and available_memory(tmp_path) == 64_000_000_000


@pytest.mark.parametrize(
    ("membership", "files", "expected"),
    [
        (
            "0::/\n",
            {"memory.max": "4000", "memory.current": "1500", "memory.stat": "anon 9\ninactive_file 500\n"},
            3000,
        ),
        ("0::/\n", {"memory.max": "max\n", "memory.current": "1500"}, 64_000_000_000),
        ("0::/\n", {"memory.max": "1000", "memory.current": "1500"}, 0),
        (
            V1,
            {"memory/docker/abc/memory.limit_in_bytes": "4000", "memory/docker/abc/memory.usage_in_bytes": "1000"},
            3000,
        ),
        (
            V1,
            {
                "memory/docker/abc/memory.limit_in_bytes": "9223372036854771712",
                "memory/docker/abc/memory.usage_in_bytes": "1",
            },
            64_000_000_000,
        ),
    ],
)
def test_a_limit_leaves_its_rest_of_the_memory(machine, membership, files, expected):
    root = machine(membership, {f"sys/fs/cgroup/{name}": text for name, text in files.items()})
    assert available_memory(root) == expected


def test_here_there_is_a_core_and_some_memory():
    assert usable_cores() >= 1 and available_memory() > 0

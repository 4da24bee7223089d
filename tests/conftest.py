import gc
import os
import sys
import tempfile

# Threads wait for each other on a busy machine. A process and its children have one, which torch reads as it loads.
os.environ["OMP_NUM_THREADS"] = "1"

import pytest

# What one process compiles serves the others that are started, also where Python is told to keep nothing compiled.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# Counts and measurements made by the tests stay with this run of them, and are shared by its processes.
os.environ.setdefault("VITSPACE_CACHE", tempfile.mkdtemp(prefix="vitspace-tests-"))


def pytest_collection_finish():
    """What was imported stays: no collection of garbage need look at it again."""
    gc.freeze()


# What these fixtures change is imported in them: a process that only hands tests to others needs none of it.


@pytest.fixture(autouse=True, scope="session")
def _light_letters():
    """Figures as PDF hold their letters as type 3, which takes a third of the time of publishers' type 42."""
    from vitspace.plots import style

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(style._RC, "pdf.fonttype", 3)
        yield


#: Where reports are the point.
DRAWN = {"report", "test_kills.py"}


@pytest.fixture(autouse=True, scope="module")
def _blank_figures(request):
    """Reports that are written in this process have empty figures elsewhere."""
    from blank import blank_figures

    with pytest.MonkeyPatch.context() as patch:
        if not DRAWN & set(request.path.parts):
            blank_figures(patch)
        yield


@pytest.fixture(autouse=True, scope="session")
def _few_screened():
    """Searches in this process screen hundreds of designs, and not a hundred thousand."""
    from vitspace.searching import screening

    with pytest.MonkeyPatch.context() as patch:
        for name, count in {"LEAST": 300, "DRAWN": 64, "ROUND": 256}.items():
            patch.setattr(screening, name, count)
        yield


@pytest.fixture(autouse=True, scope="session")
def _no_default_peers():
    """Searches in this process time no public networks beside their designs unless these are named."""
    from vitspace.accuracy import peers

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(peers, "SERIES", ())
        yield


@pytest.fixture(autouse=True)
def _seed():
    """Every test draws the same random numbers, on one thread, whatever ran before."""
    import torch

    torch.manual_seed(0)
    torch.set_num_threads(1)

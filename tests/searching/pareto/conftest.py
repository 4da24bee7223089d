"""A study in memory, asked and told by hand, so that a test sees each proposal."""

import optuna
import pytest
import yaml

from vitspace.costs import cost
from vitspace.space import load_space
from vitspace.study.config import StudyConfig
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore
from vitspace.study.trial import Trial

#: 48 designs, a conditional axis among their axes.
SMALL = {
    "family": "mat",
    "resolution": 64,
    "axes": {
        "head.width": [64],
        "downsample": ["bilinear"],
        "dim": {"values": [8, 16, 24], "scale": [1, 2, 4, 8]},
        "depth": {"stages": [[1], [1], [1, 2], [1]]},
        "mixer": {"stages": [["none"], ["none"], ["none", "window"], ["none", "window"]]},
        "heads": {"stages": [None, None, [2], [2]], "when": {"mixer": ["window"]}},
        "window": {"stages": [None, None, [4], [2]], "when": {"mixer": ["window"]}},
        "mlp_ratio": [2, 4],
    },
}


def score(spec):
    """A score that wants width, and a mixer in the third stage alone."""
    third, fourth = (stage.mixer != "none" for stage in spec.stages[2:])
    return 0.1 * spec.stages[0].dim + third - 0.5 * fourth - 5.0


class Study:
    """Asks samplers and tells what designs gave."""

    def __init__(self, space, storage):
        self.space = space
        self.store = StudyStore.create(storage, "s", StudyConfig(accuracy="proxy", space="small"), {})

    def ask(self, sampler):
        """Return a running trial and its design."""
        self.store.study.sampler = sampler
        running = self.store.study.ask()
        params = self.space.choose(lambda v: running.suggest_categorical(v.name, v.values))
        return running, self.space.decode(params)

    def tell(self, running, spec, state="complete"):
        costs = cost(spec, self.space.resolution)
        facts = {"params": costs.params, "macs": costs.macs}
        if state == "complete":
            facts |= {"latency_ms": costs.macs / 1e6, "score": score(spec)}
        self.store.save(running, Trial(running.number, state, spec, why="told so", **facts))

    def go(self, sampler, count, state="complete"):
        """Evaluate designs one after the other, and return them."""
        specs = []
        for _ in range(count):
            running, spec = self.ask(sampler)
            self.tell(running, spec, state)
            specs.append(spec)
        return specs


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    path = tmp_path_factory.mktemp("space") / "small.yaml"
    path.write_text(yaml.safe_dump(SMALL))
    return load_space(str(path))


@pytest.fixture(scope="session")
def ruled(tmp_path_factory):
    """Of the small space the 36 designs that keep a rule."""
    path = tmp_path_factory.mktemp("space") / "ruled.yaml"
    path.write_text(yaml.safe_dump(SMALL | {"rules": ["depth * mlp_ratio <= 4"]}))
    return load_space(str(path))


@pytest.fixture
def study(small):
    return Study(small, optuna.storages.InMemoryStorage())


@pytest.fixture
def stored(small, tmp_path):
    """Studies in a storage of each kind."""

    def make(kind):
        url = {"journal": str(tmp_path / "s.journal"), "sqlite": f"sqlite:///{tmp_path}/s.db"}[kind]
        return Study(small, open_storage(url))

    return make

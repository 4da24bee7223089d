import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from vitspace.cli import app
from vitspace.fidelity import jobs
from vitspace.fidelity.curves import POINTS
from vitspace.fidelity.designs import DesignFilter, designs
from vitspace.interrupts import Terminated
from vitspace.proxies import Score


class Fake:
    """Scores by the spec's id; remembers what it scored, and is stopped at the second, where told how."""

    def __init__(self, stop=None):
        self.scored, self.stop = [], stop

    def score(self, spec, seed, on_step=None):
        if self.stop and self.scored:
            raise self.stop
        self.scored.append((spec.id, seed))
        details = {"curve": [(step, 3 - step / 100) for step in range(1, 101)]}
        return Score(-1.0 - int(spec.id[:6], 16) / 2**24 - seed / 1000, 2.0, details)


@pytest.mark.parametrize(("stop", "code"), [(Terminated, 143), (KeyboardInterrupt, 130)])
def test_what_was_measured_before_a_stop_is_kept(monkeypatch, caplog, stop, code):
    fake = Fake(stop)
    monkeypatch.setattr(jobs, "_opened", lambda name, data, device: fake)
    name = f"train:small,data=digits,steps={code}"
    done = CliRunner().invoke(app, ["fidelity", name, "--only", "anchors"])
    assert done.exit_code == code and "1 of 22 scores were measured and are kept" in caplog.text
    assert [row.spec for row in jobs.local_rows() if row.proxy == name] == [fake.scored[0][0]]


def test_a_part_is_run_and_gone_on_with_and_shown(tmp_path, monkeypatch):
    fake = Fake()
    monkeypatch.setattr(jobs, "_opened", lambda name, data, device: fake)
    table = sorted({table for design in designs() for table in design.tables if table.startswith("mat")})[0]
    some = [design for design in designs() if design in DesignFilter(tables=(table,))]

    def fidelity(*args):
        done = CliRunner().invoke(app, ["fidelity", "train:small", "--data", "digits", "--table", table, *args])
        assert done.exit_code == 0, done.output
        return done

    fidelity("--out", str(tmp_path / "cards"))
    assert len(fake.scored) == len(some)
    rows = (tmp_path / "cards" / "trained.csv").read_text().splitlines()
    assert len(rows) == 1 + len(some) and all(row.startswith('"train:small,data=digits",') for row in rows[1:])
    curves = pd.read_csv(tmp_path / "cards" / "curves.csv")
    assert len(curves) == POINTS * len(some) and set(curves.step) == set(range(5, 101, 5))
    assert curves.groupby("name").loss.first().eq(2.97).all()
    done = fidelity("--seeds", "2", "--json")
    assert len(fake.scored) == 2 * len(some) and {seed for _, seed in fake.scored[len(some) :]} == {1}
    [card] = [c for c in json.loads(done.stdout) if c["proxy"] == "train:small,data=digits"]
    assert (card["specs"], card["seed_tau"], card["seconds_per_spec"]) == (len(some), 1.0, 2.0)
    shown = CliRunner().invoke(app, ["fidelity", "train:small,data=digits", "--timeout", "0", "--seeds", "3", "--json"])
    assert json.loads(shown.stdout)[0]["specs"] == len(some) and len(fake.scored) == 2 * len(some)

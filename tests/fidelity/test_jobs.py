import pytest

from vitspace.errors import InputError
from vitspace.fidelity.jobs import Job, Request, check_proxies, designs, known_rows, plan, run
from vitspace.proxies import COMBINATIONS, SCORES


def test_every_design_stands_once():
    names = [design.subject.name for design in designs()]
    assert len(names) == len(set(names)) and sum(name.startswith("timm:") for name in names) == 30


def test_what_only_counts_has_one_seed_and_one_initialisation():
    request = Request(("params", "zico"), seeds=2, inits=("own", "common"))
    jobs = plan(request, [])
    assert len(jobs) == (1 + 4) * len(designs())
    assert {job.proxies for job in jobs[len(designs()) :]} == {("zico",)}
    assert {(job.seed, job.init) for job in jobs[: len(designs())]} == {(0, "own")}


def test_what_is_known_is_not_measured_again():
    request = Request(("params",))
    job = plan(request, [])[0]
    rows = run(job)
    assert {row.proxy for row in rows} == {"params", "macs", "nt", "slog"}
    assert plan(request, rows)[0].design != job.design
    assert set(rows) <= set(known_rows(request)) | {r for r in rows if any(k.key == r.key for k in known_rows(request))}
    assert known_rows(Request(("params",), fresh=True)) == []


def test_a_design_that_cannot_be_scored_is_a_row_with_its_reason(monkeypatch):
    from vitspace.fidelity import jobs
    from vitspace.proxies import ProxyError

    class Failing:
        def score(self, spec, seed, on_step=None):
            raise ProxyError("no luck")

    monkeypatch.setattr(jobs, "_opened", lambda name, device: Failing())
    [row] = run(Job(designs()[0], ("train:tiny",), 0, "own"))
    assert (row.value, row.failure) == (None, "no luck")


def test_without_names_all_training_free_proxies_are_meant():
    assert set(check_proxies(())) == {*SCORES, *COMBINATIONS}
    assert check_proxies(["zico"]) == ("zico",)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"proxies": ("oracle",)}, "a proxy is one of train"),
        ({"proxies": ("zico",), "inits": ("random",)}, "init is own, common or both, but got 'random'"),
        ({"proxies": ("zico",), "seeds": 0}, "seeds is at least 1, but got 0"),
    ],
)
def test_bad_requests_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        Request(**values)

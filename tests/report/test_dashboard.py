"""The dashboard's note, figures and words, on a journal and on SQLite; over HTTP in a browser where there is one."""

import json
import socket
import threading
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest
from optuna.artifacts import get_all_artifact_meta
from optuna_dashboard import get_note, save_note, wsgi

from vitspace.errors import InputError
from vitspace.plots.frame import save_figure
from vitspace.report import dashboard
from vitspace.report.dashboard import InWords, artifact_store, attach, attributes, serve
from vitspace.report.figures import ReportFigure, figures
from vitspace.searching.queue import Queue
from vitspace.study.storage import open_storage
from vitspace.study.store import StudyStore


def put(storage, record):
    """Store a record's study."""
    store = StudyStore.create(storage, record.name, record.config, record.resolved)
    queue = Queue(store)
    for trial in record.trials:
        queue.end(queue.ask(), trial)
    store.set(reference=record.reference, reference_point=list(record.reference_point))
    return store


@pytest.fixture(scope="module")
def drawn_once():
    """Every figure is drawn by the first start alone, and its file is copied by the others."""
    saved = {}

    def save(figure, path):
        if path.name not in saved:
            saved[path.name] = [(file.suffix, file.read_bytes()) for file in save_figure(figure, path)]
        paths = [path.with_suffix(suffix) for suffix, _ in saved[path.name]]
        for file, (_, content) in zip(paths, saved[path.name], strict=True):
            file.write_bytes(content)
        return paths

    def drawn(record):
        nothing = {name: ReportFigure(each.alt, lambda *_: None) for name, each in figures(record).items()}
        return nothing | {name: each for name, each in figures(record).items() if name not in saved}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dashboard, "save_figure", save)
        patch.setattr(dashboard, "figures", drawn)
        yield


@pytest.fixture(scope="module", params=["studies.journal", "sqlite:///{folder}/studies.db"])
def served(request, record, drawn_once, tmp_path_factory):
    """A stored study, attached twice, and the dashboard's address."""
    folder = tmp_path_factory.mktemp("dashboard")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VITSPACE_CACHE", str(folder / "cache"))
        storage = open_storage(
            request.param.format(folder=folder).replace("studies.journal", str(folder / "s.journal"))
        )
        store = put(storage, record)
        artifacts = artifact_store()
        for _ in range(2):
            attach(store, artifacts)
        server = make_server("127.0.0.1", 0, wsgi(InWords(storage), artifact_store=artifacts), handler_class=Quiet)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield store, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
        server.server_close()


class Quiet(WSGIRequestHandler):
    def log_message(self, *args): ...


def get(url):
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read()


def test_a_second_start_attaches_nothing_twice(served, record):
    store, _ = served
    names = sorted(meta.filename for meta in get_all_artifact_meta(store.study))
    assert names == sorted(f"{name}.png" for name in figures(record))


def test_figures_come_over_http(served):
    store, address = served
    for meta in get_all_artifact_meta(store.study):
        assert get(f"{address}/artifacts/{store.study_id}/{meta.artifact_id}").startswith(b"\x89PNG")


def test_trials_read_well(served):
    store, address = served
    study = json.loads(get(f"{address}/api/studies/{store.study_id}?after=0"))
    first = {each["key"]: each["value"] for each in study["trials"][0]["user_attrs"]}
    assert first["design"] == "MSG-T" and first["channels"] == "64-128-256-512" and first["FLOPs, G"] == "3.8"
    lost = {each["key"]: each["value"] for each in study["trials"][5]["user_attrs"]}
    assert lost["outcome"] == "over budget" and lost["reason"] == "FLOPs 5G outside ..4G"
    assert "MSG-T" in study["note"]["body"] and "5 designs evaluated" in study["note"]["body"]


def test_what_is_stored_stays_as_it_is(served, record):
    store, _ = served
    assert store.trials() == record.trials


def test_a_note_of_ones_own_stays(served, monkeypatch):
    store, _ = served
    monkeypatch.setattr(dashboard, "figures", lambda record: {})
    ours = get_note(store.study)
    save_note(store.study, "mine")
    attach(store, artifact_store())
    assert get_note(store.study) == "mine"
    save_note(store.study, ours)


def test_a_trial_without_a_design_has_words_too(record):
    assert attributes(record.trials[-1])["reason"] == "a | b must hold"


def test_trials_of_a_study_in_points_are_named_as_what_they_are(points):
    design, anchor = attributes(points.trials[5]), attributes(points.trials[0])
    assert (design["top-1, % (estimate)"], design["standard deviation, points"], design["proxy score"]) == (
        82,
        0.9,
        -2.55,
    )
    assert anchor["top-1, % (published)"] == 82.4 and "top-1, % (estimate)" not in anchor and "score" not in anchor


def test_the_page_shows_note_and_figures(browser, served):
    store, address = served
    browser.open(f"{address}/dashboard/studies/{store.study_id}")
    browser.wait_for("[...document.images].filter(image => image.naturalWidth === 1280).length === 4")
    browser.open(f"{address}/dashboard/studies/{store.study_id}/note")
    browser.wait_for("document.body.innerText.includes('5 designs evaluated')")


def test_a_taken_port_is_refused_before_anything_is_drawn(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(InputError, match="a dashboard needs a free port"):
            serve(str(tmp_path / "studies.journal"), port=taken.getsockname()[1])


def test_the_dashboard_opens_on_a_study(record, monkeypatch, tmp_path, caplog):
    caplog.set_level("INFO")
    told = []
    monkeypatch.setattr(dashboard, "figures", lambda record: {})
    monkeypatch.setattr(dashboard, "run_server", lambda storage, host, port, artifact_store: told.append(storage))
    url = str(tmp_path / "other.journal")
    put(open_storage(url), record)
    serve(url, record.name, port=0)
    assert isinstance(told[0], InWords) and f"drawing the figures of {record.name}" in caplog.text

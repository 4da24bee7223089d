"""vitspace latency kit, import and list."""

import json

import pytest
from inside import SMALL
from kits import import_device, kit_specs, rows_of, write_kit, write_results


@pytest.fixture(autouse=True)
def devices(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_DEVICES", str(tmp_path / "devices"))


def test_results_become_a_device_that_is_listed(call, tmp_path):
    specs = kit_specs()
    write_kit(tmp_path / "kit", specs)
    write_results(tmp_path / "results.csv", rows_of(specs))
    code, out, _ = call("latency", "import", "results.csv", "--name", "pi5", "--kit", "kit")
    assert code == 0 and "held out: median error" in out and "95 % within" in out
    assert "pi5: Pi 5, Cortex-A76" in out and str(tmp_path / "devices" / "pi5.json") in out
    code, out, _ = call("latency", "list", "--json")
    (row,) = json.loads(out)
    assert (row["name"], row["designs"], row["kit"]) == ("pi5", 14, "0123456789ab")
    assert row["held_out"]["within_80"] <= row["held_out"]["worst"]
    assert call("latency", "list")[1].startswith("pi5: Pi 5")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("import", "none.csv", "--name", "pi5"), "cannot be read"),
        (("import", "results.csv", "--name", "pi5"), "name its folder by --kit"),
        (("import", "results.csv", "--name", "a:b", "--kit", "kit"), "a device's name is"),
        (("kit", "-n", "3"), "10 designs or more"),
    ],
)
def test_what_cannot_be_is_one_line(args, words, call, tmp_path):
    specs = kit_specs()
    write_kit(tmp_path / "kit", specs)
    write_results(tmp_path / "results.csv", rows_of(specs))
    code, _, err = call("latency", *args)
    assert code == 2 and err.startswith("error: ") and words in err and len(err.splitlines()) == 1


def test_no_devices_are_said(call, tmp_path):
    assert call("latency", "list")[1] == f"no devices in {tmp_path / 'devices'}\n"


def test_a_damaged_device_is_told_and_the_others_are_listed(call, tmp_path):
    import_device(tmp_path)
    (tmp_path / "devices" / "old.json").write_text("{")
    code, out, err = call("latency", "list", "--json")
    assert code == 0 and [row["name"] for row in json.loads(out)] == ["pi5"]
    assert err.startswith("warning: ") and "old.json is not a device" in err and len(err.splitlines()) == 1


def test_a_search_for_a_device_reports_its_name(call, tmp_path):
    import_device(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL.replace("64", "224"))
    settings = ("--space", "small.yaml", "--budget", "1G", "--proxy", "params", "--accuracy", "proxy", "--trials", "3")
    code, out, err = call("search", *settings, "--latency", "pi5:2s", "--workers", "0", "--out", "report", "--json")
    assert code == 0, err
    record = json.loads(out)
    assert record["study"] == "small-1G-pi5_2s"
    assert all(t["latency_high_ms"] for t in record["trials"] if t["latency_ms"])
    page, text = ((tmp_path / "report" / name).read_text() for name in ("index.html", "report.md"))
    assert "2s latency predicted for pi5" in text and "Latency is predicted for pi5 (Pi 5, Cortex-A76" in text
    assert "predicted latency, ms" in text and "CPU latency" not in text
    assert "latency predicted for pi5" in page and "CPU latency" not in page


def test_a_draw_takes_a_device_s_milliseconds(call, tmp_path):
    import_device(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL.replace("64", "224"))
    code, out, err = call("space", "draw", "small.yaml", "-n", "3", "--budget", "1G", "--latency", "pi5:1s", "--json")
    assert code == 0, err
    assert all(0 < row["predicted_ms"] < 1000 for row in json.loads(out))
    for sizes, why in (("256", "the image size of its kit, 224 px, but got 256"), ("192,224", "but got 192, 224")):
        code, _, err = call("space", "draw", "small.yaml", "-n", "3", "--latency", "pi5:1s", "--img-size", sizes)
        assert code == 2 and "latency on pi5 is predicted at" in err and why in err

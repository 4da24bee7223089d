"""Devices: fitted to made-up times, kept, and predicted by."""

import pytest
from kits import REFERENCE_MS, kit_specs, milliseconds, rows_of, write_kit, write_results

from vitspace.budget import Budget
from vitspace.errors import InputError
from vitspace.latency import LatencySettings, predicted_violation
from vitspace.latency.devices import FEWEST, add_device, all_devices, device, device_names, device_path, kits_folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VITSPACE_DEVICES", str(tmp_path / "devices"))


@pytest.fixture(scope="module")
def specs():
    return kit_specs(18)


@pytest.fixture
def kit(specs, tmp_path):
    return write_kit(tmp_path / "kit", specs[:14])


@pytest.fixture
def results(specs, tmp_path):
    return write_results(tmp_path / "results.csv", rows_of(specs[:14]))


def test_designs_that_were_not_timed_are_predicted_at_the_device_s_usual_speed(specs, kit, results):
    made = add_device("pi5", results, kit)
    assert made.latency.reference_ms == pytest.approx(1.5 * REFERENCE_MS)
    for spec in specs[14:]:
        prediction = made.predict(spec)
        assert prediction.ms == pytest.approx(1.5 * milliseconds(spec), rel=0.1)
        assert "on pi5" in str(prediction)


def test_the_held_out_error_is_of_designs_predicted_without_themselves(kit, results):
    held_out = add_device("pi5", results, kit).held_out
    assert 0 < held_out["median"] <= held_out["within_80"] <= held_out["within_95"] <= held_out["worst"] < 0.3


def test_a_device_is_kept_and_read_again(specs, kit, results):
    made = add_device("pi5", results, kit)
    found = device("pi5")
    assert (device_names(), found) == (["pi5"], made)
    assert found.predict(specs[15]).ms == pytest.approx(made.predict(specs[15]).ms)
    assert found.to_json()["cpu"] == "Cortex-A76" and "Pi 5" in found.words


def test_a_kit_that_was_made_here_need_not_be_named(kit, results):
    with pytest.raises(InputError, match="was not made here: name its folder by --kit"):
        add_device("pi5", results)
    kits_folder().mkdir(parents=True)
    (kits_folder() / "0123456789ab.json").write_text((kit / "kit.json").read_text())
    assert add_device("pi5", results).name == "pi5"
    assert device_names() == ["pi5"]


def test_a_name_is_not_taken_twice_unless_it_is_said(kit, results):
    add_device("pi5", results, kit)
    with pytest.raises(InputError, match="'pi5' is there; --replace"):
        add_device("pi5", results, kit)
    assert add_device("pi5", results, kit, replace=True).name == "pi5"


@pytest.mark.parametrize("name", ["", "../pi", "a:b", "p i", "x" * 61])
def test_a_name_can_name_a_file_and_stand_in_a_budget(name, kit, results):
    with pytest.raises(InputError, match="a device's name is"):
        add_device(name, results, kit)


def test_too_few_times_are_refused_and_nothing_is_kept(specs, kit, tmp_path):
    few = write_results(tmp_path / "few.csv", rows_of(specs[: FEWEST - 1]))
    with pytest.raises(InputError, match=f"fitted to {FEWEST} designs or more, but .* has 9 of the kit's 14"):
        add_device("pi5", few, kit)
    assert device_names() == []


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (
            {"ms": 1e3, "reference_ms": 1e3},
            r"resnet18 takes from .* but in .* it takes 1\.5e\+05: is that another unit",
        ),
        ({"ms": 1e-3, "reference_ms": 1e-3}, "it takes 0.15: is that another unit"),
        ({"ms": 1e3}, "times as long beside resnet18 as elsewhere: are the columns of two units"),
    ],
)
def test_times_that_cannot_be_milliseconds_are_refused(units, words, specs, kit, tmp_path):
    rows = [row | {name: row[name] * by for name, by in units.items()} for row in rows_of(specs[:14])]
    with pytest.raises(InputError, match=words):
        add_device("pi5", write_results(tmp_path / "wrong.csv", rows), kit)
    assert device_names() == []


@pytest.mark.parametrize("by", [1e3, 1e-3])
def test_a_row_that_cannot_be_is_refused_by_its_name(by, specs, kit, tmp_path):
    rows = rows_of(specs[:14])
    rows[3]["ms"] *= by
    with pytest.raises(InputError, match=r"has 003\.onnx \(.* times as long\): delete such rows, and run time_kit\.py"):
        add_device("pi5", write_results(tmp_path / "wrong.csv", rows), kit)


def test_a_row_far_from_its_prediction_by_the_others_is_told(specs, kit, results, tmp_path, caplog):
    add_device("usual", results, kit)
    assert not caplog.messages
    rows = rows_of(specs[:14])
    rows[3]["ms"] *= 4
    add_device("pi5", write_results(tmp_path / "odd.csv", rows), kit)
    (told,) = caplog.messages
    assert "far from what the others tell: 003.onnx (took " in told


def test_an_unknown_device_is_an_error_that_names_those_there_are(kit, results):
    with pytest.raises(InputError, match=r"none was imported.*but got 'pi4'"):
        device("pi4")
    add_device("pi5", results, kit)
    with pytest.raises(InputError, match=r"one of those imported \(pi5\), but got 'pi4'"):
        device("pi4")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text[:-9], ""),
        (lambda text: text.replace('"ms": ', '"ms": -'), r"ms is a number from 0.0001 to 600000, but got -\d"),
        (lambda text: text.replace('"sd": ', '"sd": 7'), r"sd is a number from 0 to 1, but got 7\d"),
    ],
)
def test_a_damaged_device_is_one_error(change, words, kit, results):
    for name in ("pi5", "other"):
        add_device(name, results, kit)
    path = device_path("pi5")
    path.write_text(change(path.read_text()))
    with pytest.raises(InputError, match=rf"is not a device: .*{words}.*; import it anew .* or remove the file"):
        device("pi5")
    found, damaged = all_devices()
    assert [each.name for each in found] == ["other"] and "pi5.json" in damaged[0]


def test_on_a_device_every_design_is_rejected_by_its_prediction(specs, kit, results):
    made = add_device("pi5", results, kit)
    for spec in specs:
        prediction = made.predict(spec)
        far = Budget(latency_ms=(0, 0.9 * prediction.ms / (1 + prediction.error)), device="pi5")
        words = predicted_violation(spec, LatencySettings(), far)
        assert words.startswith("predicted, not measured: latency on pi5")
        near = Budget(latency_ms=(0, 1.1 * prediction.ms / (1 + prediction.error)), device="pi5")
        assert not predicted_violation(spec, LatencySettings(), near)

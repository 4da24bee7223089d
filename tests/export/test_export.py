"""Files of an export, and that what they hold is the network."""

import ast
import importlib.util
import sys

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from vitspace.data import load_data
from vitspace.design import Design
from vitspace.errors import FailureError, InputError
from vitspace.export import ExportedModel, choose_formats, export_folder, formats, parity_images
from vitspace.export.model import untrained
from vitspace.export.parity import check_parity, sample_images
from vitspace.folders import whole_folder
from vitspace.spec import Spec
from vitspace.study.config import StudyConfig
from vitspace.study.record import StudyRecord
from vitspace.study.trial import Trial


@pytest.fixture(scope="module")
def model(spec, weights):
    return ExportedModel.of(Design("my design", spec), weights / "best.safetensors")


def test_a_model_is_as_its_weights_say(model):
    assert (model.img_size, model.network.num_classes) == (64, 5)
    assert model.cost.params == sum(p.numel() for p in model.network.parameters())


def test_an_untrained_model_has_as_many_classes_as_asked_for(spec, weights, tmp_path):
    model = ExportedModel.of(Design("d", spec), num_classes=200)
    record = export_folder(model, ["timm"], tmp_path / "out")
    assert (
        record["num_classes"] == 200
        and "IMG_SIZE, NUM_CLASSES = (224, 224), 200" in (tmp_path / "out/vitspace_d.py").read_text()
    )
    assert "Its number of classes, 200, was set by the export" in (tmp_path / "out" / "README.md").read_text()
    with pytest.raises(InputError, match=r"trained for, 5 in .*best.safetensors, but got 200"):
        ExportedModel.of(Design("d", spec), weights / "best.safetensors", num_classes=200)


def test_an_untrained_model_is_the_same_each_time_and_leaves_the_generator(spec):
    before = torch.random.get_rng_state()
    first, second = (ExportedModel.of(Design("d", spec)).network.state_dict() for _ in range(2))
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert torch.equal(before, torch.random.get_rng_state())


def test_the_timm_module_gives_the_trained_network(model, tmp_path, monkeypatch):
    record = export_folder(model, ["spec", "timm"], tmp_path / "out", "vitspace export")
    assert Spec.from_json((tmp_path / "out" / "spec.json").read_text()) == model.design.spec
    loader = importlib.util.spec_from_file_location("vitspace_my_design", record["files"]["timm"])
    module = importlib.util.module_from_spec(loader)
    monkeypatch.setitem(sys.modules, loader.name, module)
    loader.loader.exec_module(module)
    images = sample_images(model)
    with torch.no_grad():
        expected = model.network(images)
        for made in (timm.create_model(record["model"], pretrained=True), module.vitspace_my_design()):
            torch.testing.assert_close(made.eval()(images), expected, rtol=0, atol=0)
        assert timm.create_model(record["model"], num_classes=3).eval()(images).shape == (6, 3)
    facts = timm.create_model(record["model"]).pretrained_cfg
    assert (facts["input_size"], facts["interpolation"]) == ((3, 64, 64), "bilinear")


def test_the_card_names_numbers_and_their_origin(model, tmp_path):
    record = export_folder(model, ["spec"], tmp_path / "out", "vitspace export mine.json")
    text = (tmp_path / "out" / "README.md").read_text()
    assert f"{record['params']:,}" in text and f"{record['macs']:,}" in text and "multiply-add" in text
    assert "top-1 12.50 % on its 300 validation images" in text and "`vitspace export mine.json`" in text
    assert "not trained" not in text


def test_the_card_says_of_the_best_epoch_that_it_was_chosen(model, tmp_path, monkeypatch):
    export_folder(model, ["spec"], tmp_path / "last")
    monkeypatch.setitem(model.facts, "selected", True)
    export_folder(model, ["spec"], tmp_path / "best")
    texts = [(tmp_path / name / "README.md").read_text() for name in ("last", "best")]
    assert ["the best epoch on these same images" in text for text in texts] == [False, True]


def test_the_card_of_an_unfinished_training_says_how_far_it_came(model, tmp_path, monkeypatch):
    monkeypatch.setitem(model.facts, "epochs", 300)
    export_folder(model, ["spec"], tmp_path / "out")
    assert "at 64 px for 1 of 300 epochs: top-1" in (tmp_path / "out" / "README.md").read_text()


@pytest.mark.parametrize(("facts", "shared"), [({"epochs": 0}, False), ({"shared": True}, True)])
def test_shared_weights_are_told_by_what_says_so(model, tmp_path, monkeypatch, facts, shared):
    for name, value in ({"init": "supernet:net@1", "epoch": 0} | facts).items():
        monkeypatch.setitem(model.facts, name, value)
    export_folder(model, ["spec"], tmp_path / "out")
    assert ("without further training" in (tmp_path / "out" / "README.md").read_text()) == shared


def test_the_card_says_why_a_latency_is_unsure(spec, tmp_path):
    trial = Trial(0, "complete", spec, latency_ms=9.0, latency={"doubt": "the machine was busy"})
    design = Design("d", spec, None, trial, StudyRecord("s", StudyConfig(space="msg", accuracy="proxy"), [trial]))
    export_folder(ExportedModel.of(design), ["spec"], tmp_path / "out")
    assert "**unsure**: the machine was busy" in (tmp_path / "out" / "README.md").read_text()


def test_the_card_says_that_an_estimate_is_one(spec, tmp_path):
    estimate = {"low90": 79.5, "high90": 82.4, "published": None}
    trial = Trial(0, "complete", spec, score=81.0, score_std=0.9, proxy_score=-1.25, estimate=estimate)
    design = Design("d", spec, None, trial, StudyRecord("s", StudyConfig(space="msg"), [trial]))
    export_folder(ExportedModel.of(design), ["spec"], tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| top-1 on ImageNet-1k, an estimate | 81.0 % (90 % interval 79.5 to 82.4) | Scores are estimates" in text
    assert "| the proxy's score | -1.2500 | Proxy scores are the negative validation loss" in text


def test_weights_of_damaged_metadata_are_refused(spec, tmp_path):
    for text, message in (
        ("{", "are what vitspace train notes, but in .* they are not JSON"),
        ("[]", "it is a mapping"),
    ):
        save_file(untrained(spec, 5, 64).state_dict(), tmp_path / "w.safetensors", {"vitspace": text})
        with pytest.raises(InputError, match=message):
            ExportedModel.of(Design("d", spec), tmp_path / "w.safetensors")


def test_images_are_those_of_the_trainings_seed(model, monkeypatch):
    monkeypatch.setitem(model.facts, "classes", [str(digit) for digit in range(10)])
    monkeypatch.setitem(model.facts, "seed", 3)
    labels = parity_images(model, "digits", 500).labels
    assert labels.tolist() == load_data("digits", 8, seed=3).val_labels.tolist()
    assert labels.tolist() != load_data("digits", 8).val_labels.tolist()


def test_weights_of_unknown_origin_are_said_to_be(spec, weights, tmp_path):
    export_folder(ExportedModel.of(Design("d", spec), weights / "bare.safetensors"), ["spec"], tmp_path / "out")
    assert "bare.safetensors, which does not say how they were trained" in (tmp_path / "out" / "README.md").read_text()


def test_graphs_compute_what_pytorch_does(model, tmp_path):
    pytest.importorskip("onnxruntime")
    installed, _ = choose_formats([])
    record = export_folder(model, installed, tmp_path / "out")
    assert set(record["parity"]) == set(installed) - {"spec", "timm"}
    for parity in record["parity"].values():
        assert parity["max_abs_error"] < 1e-5 < parity["spread"] and parity["same_top1"] == 1
        assert parity["batches"] == [1, 2, 3]


def test_a_graph_that_computes_something_else_is_no_export(model, tmp_path, monkeypatch):
    def broken(model, folder, shown):
        wrong = model.network(shown.images).detach().numpy() + 0.1
        rows = iter(np.split(wrong, [1, 3]))
        return formats.Written({}, check_parity(model, shown, lambda _: next(rows), "a runtime"))

    monkeypatch.setitem(formats.FORMATS, "onnx", (broken, "eager"))
    with pytest.raises(FailureError, match=r"a runtime and PyTorch agree to 0.001 .* they differ by 0.1;"):
        export_folder(model, ["onnx"], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_converter_that_fails_is_named_with_a_way_round_it(model, tmp_path, monkeypatch):
    pytest.importorskip("onnxruntime")

    def fails(*_, **__):
        raise RuntimeError("\nno such operator\nand more")

    monkeypatch.setattr("vitspace.export.model.onnx_model", fails)
    monkeypatch.setattr("vitspace.export.formats.lacking", lambda backend: "")
    fresh = ExportedModel(model.design, model.network, 64)
    for name in ("onnx", "openvino", "onnx-int8"):
        message = rf"cannot be converted to {name} at 64 px: no such operator; .*: --format spec --format timm$"
        with pytest.raises(FailureError, match=message):
            export_folder(fresh, [name], tmp_path / "out")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "lack", "others"),
    [
        ("openvino", "", ["spec", "timm", "onnx"]),
        ("openvino-int8", "", ["spec", "timm", "onnx", "openvino"]),
        ("onnx-int8", "openvino", ["spec", "timm", "onnx"]),
    ],
)
def test_formats_are_proposed_that_can_be_written(model, monkeypatch, name, lack, others):
    monkeypatch.setattr("vitspace.export.formats.lacking", lambda backend: lack and backend == lack)
    fresh = ExportedModel(model.design, model.network, 64)
    assert formats.formats_without(name, fresh) == ["spec", "timm"]
    vars(fresh)["onnx"] = "a graph"
    assert formats.formats_without(name, fresh) == others


def test_scores_that_are_no_numbers_are_no_parity(model):
    with pytest.raises(FailureError, match="differ by nan"):
        check_parity(
            model, parity_images(model), lambda images: np.full((len(images), 5), np.nan, np.float32), "a runtime"
        )


def test_accuracy_is_told_where_the_weights_know_the_classes(model):
    model.facts["classes"] = [str(digit) for digit in range(10)]
    shown = parity_images(model, "digits", 40)
    assert shown.images.shape == (39, 3, 64, 64) and shown.source == "every 13th of the validation images of digits"
    with torch.no_grad():
        scores = model.network(shown.images)
    found = check_parity(
        model, shown, lambda images: model.network(torch.from_numpy(images)).detach().numpy(), "itself"
    )
    right = (scores.argmax(1) == shown.labels).float().mean()
    assert found.top1 == found.torch_top1 == pytest.approx(100 * float(right))
    assert found.batches == [1, 2, 3, 32]
    model.facts["classes"] = list("abcde")
    assert parity_images(model, "digits", 2).labels is None


def test_weights_of_another_design_are_refused(spec, weights, tmp_path):
    other = Spec(spec.stem, (spec.stages[0], spec.stages[1].changed(dim=64)), spec.head)
    with pytest.raises(InputError, match=r"is \[.*\] where the spec has \[.*\]; they are of spec"):
        ExportedModel.of(Design("d", other), weights / "best.safetensors")
    (tmp_path / "no.safetensors").write_bytes(b"none")
    for path, message in ((tmp_path / "no.safetensors", "is none"), (tmp_path / "x", "there is none at")):
        with pytest.raises(InputError, match=message):
            ExportedModel.of(Design("d", spec), path)


def test_what_is_there_is_kept_unless_forced(model, tmp_path):
    out = tmp_path / "out"
    export_folder(model, ["spec"], out)
    (out / "mine.txt").touch()
    with pytest.raises(InputError, match="--force replaces it"):
        export_folder(model, ["spec"], out)
    assert (out / "mine.txt").exists()
    export_folder(model, ["spec"], out, force=True)
    assert not (out / "mine.txt").exists() and [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "thesis.tex").touch()
    with pytest.raises(InputError, match="is no export"):
        export_folder(model, ["spec"], tmp_path / "other", force=True)


def test_a_full_disk_leaves_what_was_there(model, tmp_path, monkeypatch):
    out = tmp_path / "out"
    export_folder(model, ["spec"], out)

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vitspace.export.folder.write_json", full)
    with pytest.raises(InputError, match="No space left on device"):
        export_folder(model, ["spec"], out, force=True)
    assert (out / "export.json").exists() and [path.name for path in tmp_path.iterdir()] == ["out"]


def test_formats_are_chosen_by_name_or_all_that_are_installed(monkeypatch):
    lacks = {"openvino": "openvino: pip install 'vitspace[openvino]'"}
    monkeypatch.setattr(formats, "lacking", lambda backend: lacks.get(backend, ""))
    assert choose_formats([]) == (["spec", "timm", "onnx"], lacks)
    assert choose_formats(["timm"]) == (["spec", "timm"], {})
    with pytest.raises(InputError, match=r"format 'openvino' needs openvino: pip install 'vitspace\[openvino\]'"):
        choose_formats(["openvino"])
    with pytest.raises(
        InputError, match=r"one of spec, timm, onnx, openvino, onnx-int8, openvino-int8, but got 'torch'"
    ):
        choose_formats(["torch"])


def test_a_folder_is_whole_or_not_there(tmp_path):
    with pytest.raises(KeyboardInterrupt), whole_folder(tmp_path / "out") as folder:
        (folder / "half").touch()
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("trained", [True, False])
def test_the_cards_first_snippet_builds_the_network_that_was_exported(spec, weights, tmp_path, monkeypatch, trained):
    """In the folder of the export, with its classes and weights: the code is run as it stands."""
    file = weights / "best.safetensors" if trained else None
    model = ExportedModel.of(Design("mine", spec), file, 64, None if trained else 3)
    export_folder(model, ["spec", "timm"], tmp_path / "out")
    text = (tmp_path / "out" / "README.md").read_text()
    code = text.split("```python\n")[1].split("```")[0]
    monkeypatch.chdir(tmp_path / "out")
    found = {}
    exec(code, found)
    assert found["model"].num_classes == (5 if trained else 3) and not found["model"].training
    if trained:
        for name, tensor in found["model"].state_dict().items():
            assert torch.equal(tensor, model.network.state_dict()[name]), name


def test_names_of_others_stay_words_in_card_and_module(spec, weights, tmp_path):
    """Of a file with a spec, and of classes, which are names of folders."""
    model = ExportedModel.of(Design('a"""\\x\n1', spec), weights / "best.safetensors")
    model.facts["classes"] = ["a\n\n## Numbers\n", "\033[31m", "<b>"]
    record = export_folder(model, ["timm"], tmp_path / "out")
    ast.parse((tmp_path / "out" / f"{record['model']}.py").read_text())
    text = (tmp_path / "out" / "README.md").read_text()
    assert text.count("\n## Numbers") == 1 and "\033" not in text and "<b>" not in text

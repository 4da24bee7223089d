"""The model card of an export, its README.md: the numbers, and how each was obtained."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from vitspace.costs import CONVENTION
from vitspace.export.model import ExportedModel
from vitspace.image_sizes import sides
from vitspace.plots.formats import escaped, markdown
from vitspace.report.check import check_sentence, learning_words
from vitspace.report.names import latency_name
from vitspace.report.points import interval
from vitspace.report.settings import settings
from vitspace.report.words import device_words, machine_note, proxy_sentence
from vitspace.tasks.heads import CLASSIFICATION
from vitspace.training.goals import MEASURES
from vitspace.training.weights import Weights
from vitspace.units import format_score
from vitspace.words import plural

_USE = {
    "spec": "from pathlib import Path\nimport vitspace\n"
    "spec = vitspace.Spec.from_json(Path('spec.json').read_text())\n"
    "model = vitspace.build(spec, num_classes={classes}, img_size={size}{task}).eval()",
    "timm": "import timm, {model}\nmodel = timm.create_model('{model}', pretrained={trained})",
    "onnx": "import onnxruntime\nsession = onnxruntime.InferenceSession('model.onnx')\n"
    "[scores] = session.run(None, {{'image': images}})  # float32 [any, 3, {height}, {width}]",
    "openvino": "import openvino\nmodel = openvino.Core().compile_model('model.xml', 'CPU')\n"
    "scores = model({{0: images}})[0]  # float32 [any, 3, {height}, {width}]",
}
_USE["onnx-int8"] = _USE["onnx"].replace("model.", "model-int8.")
_USE["openvino-int8"] = _USE["openvino"].replace("model.", "model-int8.").replace("any", "1")


def card(model: ExportedModel, record: dict[str, Any]) -> str:
    """Return the model card."""
    sections = [
        f"# {escaped(model.design.name)}",
        _opening(model),
        "## Numbers",
        _table(["what", "value", "how it was obtained"], _numbers(model)),
        *_parity(record),
        *_int8(record),
        "## Use",
        _images(model),
        "Run this in this folder, with the imported packages installed.",
        *_uses(record),
        "## The design",
        _table(["setting", "value"], ((f"`{name}`", value) for name, value in settings(model.design.spec).items())),
        "## Origin",
        _table(["what", "value"], _origin(record)),
    ]
    return "\n\n".join(sections) + "\n"


def _opening(model: ExportedModel) -> str:
    design = model.design
    stages = f"{plural(len(design.spec.stages), 'stage')}, family {design.spec.family}, spec {design.spec.id}"
    text = f"An image classifier of {stages}" if model.is_classifier else f"A network for {model.task} on {stages}"
    if design.record and design.trial:
        text += f", trial {design.trial.number} of the study {design.record.name}"
    if design.anchor:
        text += f"; the published {design.anchor.id} ({design.anchor.source})"
    text = escaped(text)
    if model.weights:
        return f"{text}. {escaped(_training(model.weights))}"
    if not model.is_classifier:
        return (
            f"{text}. **It is not trained**: its weights are those of the initialisation with seed 0. `vitspace train "
            f"--task {model.task}` trains it."
        )
    return (
        f"{text}. **It is not trained**: its weights are those of the initialisation with seed 0, which serve to "
        f"measure speed, not to classify. Its number of classes, {model.network.num_classes}, was set by the export "
        "(`--num-classes`), and not by the data of a study's proxy. `vitspace train` trains it."
    )


def _training(weights: Weights) -> str:
    """Say how the weights were trained, from the metadata of their file."""
    facts = weights.facts
    if not (measured := _measure(weights)):
        return f"Its weights are of {weights.path.name}, which does not say how they were trained."
    selected = ", the best epoch on these same images, so the number is optimistic" if facts.get("selected") else ""
    if facts.get("shared"):
        return (
            f"Its weights are the design's part of {facts['init']}, which designs of a space share, without further "
            f"training: {' '.join(measured)} on {facts['val_images']:,} validation images of {facts['data']} at "
            f"{facts['img_size']} px. `vitspace train --init supernet:DIR` trains it further."
        )
    begun = f"Fine-tuned from {facts['init']}" if facts.get("init") else "Trained from scratch"
    part = f"{facts['epoch']} of " if facts["epoch"] < facts["epochs"] else ""
    epochs = f"{part}{plural(facts['epochs'], 'epoch')}"
    return (
        f"{begun} on {facts['data']} at {facts['img_size']} px for {epochs}: {' '.join(measured)} "
        f"on its {facts['val_images']:,} validation images after epoch {facts['epoch']}"
        f"{selected}."
    )


def _measure(weights: Weights | None) -> tuple[str, str] | None:
    """Return what a training measured, and how much it was."""
    facts = weights.facts if weights else {}
    return next(((words, f"{facts[name]:.2f} %") for name, words in MEASURES.items() if name in facts), None)


def _numbers(model: ExportedModel) -> Iterator[tuple[str, ...]]:
    size, classes = _size(model), model.network.num_classes
    yield "params", f"{model.cost.params:,}", f"counted, {plural(classes, 'class')}"
    yield "multiply-adds", f"{model.cost.macs:,}", f"counted at {size}; {CONVENTION}"
    if measured := _measure(model.weights):
        yield *measured, f"`{model.facts.get('command', '')}`"
    if not model.is_classifier:
        return  # what is known beyond is of the classifier
    yield from _measured(model)
    if row := model.design.anchor:
        units = {"params_m": "M params", "gflops": "G multiply-adds", "top1": "% top-1 on ImageNet-1k", "cpu_ms": "ms"}
        for name, value in row.published.items():
            yield "published", f"{value:g} {units[name]}", f"printed in {row.source}; not measured here"


def _measured(model: ExportedModel) -> Iterator[tuple[str, ...]]:
    """What the study measured."""
    trial, record = model.design.trial, model.design.record
    if trial is None or record is None:
        return
    where = f"{machine_note(record)}; `{record.resolved.get('command', '')}`"
    if trial.latency_ms is not None:
        facts = trial.latency
        threads = plural(facts.get("threads", 1), "thread")
        setting = f"{facts.get('backend', 'eager')}, {threads}, batch {facts.get('batch', 1)}"
        low, high = ("low_ms", "high_ms") if "low_ms" in facts else ("p10_ms", "p90_ms")
        spread = f" ({facts[low]:.1f} to {facts[high]:.1f})" if low in facts else ""
        ends = "95 % interval" if low == "low_ms" else "10th to 90th percentile"
        how = f"median ({ends}) on the CPU, {setting}, of the design with 1000 classes; {where}"
        if record.config.limits.device:
            how = f"with its {ends}; {setting}, of the design with 1000 classes. {device_words(record)}"
        how += f"; **unsure**: {trial.latency_doubt}" if trial.latency_doubt else ""
        yield latency_name(record).removeprefix("CPU "), f"{trial.latency_ms:.1f} ms{spread}", how
    if record.in_points and trial.published_top1 is None and trial.score is not None:
        known = interval(trial)
        within = f" (90 % interval {known[0]:.1f} to {known[1]:.1f})" if known else ""
        yield "top-1 on ImageNet-1k, an estimate", f"{trial.score:.1f} %{within}", proxy_sentence(record)
    proxy = trial.proxy_score if record.in_points else trial.score
    if proxy is not None:
        said = check_sentence(record) if record.in_points else proxy_sentence(record)
        learnt = f" **{words}**" if (words := learning_words(record, trial)) else ""
        yield "the proxy's score", format_score(proxy), f"{said}{learnt} Seed {trial.seed}; {where}"


def _parity(record: dict[str, Any]) -> Iterator[str]:
    if not record["parity"]:
        return
    yield "## Parity with PyTorch"
    rows = (
        (
            f"`{record['files'][name]}`",
            f"{found['max_abs_error']:.2g}",
            f"{found['largest_score']:.3g}",
            f"{found['spread']:.3g}",
            f"{found['same_top1']:.0%}",
            _top1(found),
            f"{found['runtime']}, {plural(found['images'], 'image')} ({found['source']}) in batches of "
            f"{', '.join(map(str, found['batches']))}",
        )
        for name, found in record["parity"].items()
    )
    yield _table(
        [
            "file",
            "largest error",
            "largest score",
            "scores' spread over images",
            "same top-1" if record["task"] == CLASSIFICATION else "pixels of the same class",
            "top-1 (PyTorch's)",
            "how",
        ],
        rows,
    )


def _int8(record: dict[str, Any]) -> Iterator[str]:
    if not record["int8"]:
        return
    yield "## Int8 beside float32"
    heading = ["file", "cosine similarity of scores (least)", "same top-1", "top-1 (PyTorch's)", "MB (float32)"]
    rows = (
        (
            f"`{record['files'][name]}`",
            f"{found['cosine']:.4f} ({found['cosine_least']:.4f})",
            f"{found['same_top1']:.0%}",
            _top1(found),
            f"{found['size_bytes'] / 1e6:.1f} ({found['float32_size_bytes'] / 1e6:.1f})",
            f"{found['ms']:.1f} ({found['float32_ms']:.1f})",
            f"{found['runtime']}, {plural(found['images'], 'image')} ({found['source']}), ranges of "
            f"{found['calibration_images']} ({found['calibration_source']}); one image on one thread, both in turn",
        )
        for name, found in record["int8"].items()
    )
    yield _table([*heading, "ms (float32)", "how"], rows)
    for name, found in record["int8"].items():
        left = ", ".join(f"{kind} ({count})" for kind, count in found["float32_operators"].items())
        yield f"In float32 stay, in `{record['files'][name]}`: {left}."


def _top1(found: dict[str, Any]) -> str:
    return "-" if found["top1"] is None else f"{found['top1']:.2f} % ({found['torch_top1']:.2f} %)"


def _images(model: ExportedModel) -> str:
    mean, std = (", ".join(f"{value:.4g}" for value in values) for values in (model.mean, model.std))
    text = f"Images are RGB, {_size(model)}, from 0 to 1, minus the mean ({mean}), over ({std})."
    classes = model.facts.get("classes") or []
    names = ", ".join(classes[:20]) + (f" and {len(classes) - 20} more" if len(classes) > 20 else "")
    return f"{text} Classes: {escaped(names)}." if classes else text


def _size(model: ExportedModel) -> str:
    """Return height and width in words."""
    return " x ".join(map(str, sides(model.img_size)))


def _uses(record: dict[str, Any]) -> Iterator[str]:
    weights, (height, width) = record["files"].get("weights"), sides(record["img_size"])
    values = {"model": record["model"], "height": height, "width": width, "trained": weights is not None}
    values |= {"task": "" if record["task"] == CLASSIFICATION else f', task="{record["task"]}"'}
    values |= {"classes": record["num_classes"], "size": height if height == width else (height, width)}
    for name, code in _USE.items():
        if name in record["files"]:
            text = code.format(**values)
            if name == "spec" and weights:
                text = f"from safetensors.torch import load_file\n{text}\nmodel.load_state_dict(load_file({weights!r}))"
            yield f"```python\n{text}\n```"


def _origin(record: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if record["command"]:
        yield "command", f"`{record['command']}`"
    yield from ((str(name), str(value)) for name, value in record["machine"].items())


def _table(heading: list[str], rows: Any) -> str:
    return markdown(pd.DataFrame(list(rows), columns=heading)).rstrip()

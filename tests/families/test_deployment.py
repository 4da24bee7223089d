"""What every family promises beyond eager PyTorch; a new one inherits these tests through its anchors."""

from dataclasses import replace
from functools import cache

import pytest
import torch
from designs import (
    ANCHORS,
    PARITY,
    SMALL_ANCHORS,
    SPACES,
    assert_near,
    hybrids,
    lively,
    lively_at,
    onnx_scores,
    small_designs,
    small_network,
)

from vitspace.anchors import anchor
from vitspace.design import Design
from vitspace.export import FORMATS, ExportedModel, export_folder
from vitspace.families import FAMILIES
from vitspace.latency.backends import lacking
from vitspace.layers.plain import plain_graph

#: Rounding in single precision.
SINGLE = 1e-4


@pytest.mark.parametrize("space", SPACES)
@torch.no_grad()
def test_memory_format_changes_nothing(space):
    image = torch.randn(2, 3, 60, 52)
    for spec in small_designs(space):
        model = lively(spec).to(memory_format=torch.channels_last)
        got = model(image.contiguous(memory_format=torch.channels_last))
        assert_near(got, small_network(spec)(image), SINGLE)


@pytest.mark.parametrize("space", SPACES)
@torch.no_grad()
def test_double_and_half_precision(space):
    image = torch.randn(2, 3, 60, 52)
    for spec in small_designs(space):
        expected = small_network(spec)(image)
        assert_near(lively(spec).double()(image.double()), expected, SINGLE)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert small_network(spec)(image).isfinite().all()


@pytest.mark.parametrize("space", SPACES)
@torch.no_grad()
def test_evaluation_gives_what_the_plain_graph_gives(space):
    image = torch.randn(2, 3, 60, 52)
    for spec in small_designs(space):
        with plain_graph():
            expected = small_network(spec)(image)
        assert_near(small_network(spec)(image), expected, 1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL_ANCHORS)
@torch.no_grad()
def test_an_anchor_runs_channels_last(name):
    model, image = lively_at(anchor(name).spec, 224, 224), torch.randn(2, 3, 224, 224)
    expected = model(image)
    model = model.to(memory_format=torch.channels_last)
    torch.testing.assert_close(model(image.contiguous(memory_format=torch.channels_last)), expected, **PARITY)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the compiler
@pytest.mark.parametrize("name", SMALL_ANCHORS)
def test_an_anchor_compiles_to_one_graph(name):
    torch.compiler.reset()  # or the networks before this one count as its recompilations
    model, image = lively_at(anchor(name).spec, 64, 64), torch.randn(2, 3, 64, 64)
    compiled = torch.compile(model, fullgraph=True, backend="aot_eager")
    with torch.no_grad():
        torch.testing.assert_close(compiled(image), model(image), **PARITY)
    model.train()
    compiled(image).square().sum().backward()
    assert all(p.grad is not None for p in model.parameters())


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter
@pytest.mark.parametrize("name", ANCHORS)
@torch.no_grad()
def test_an_anchor_exports_to_onnx(name, tmp_path):
    assert_exports(anchor(name).spec, anchor(name).resolution, tmp_path / "model.onnx")


#: Hybrids that hold every family at every stage.
EVERYWHERE = (1, 20, 21, 32, 39, 40, 48)


@cache
def thin_hybrids():
    """Those, of one block a stage, and of two in the first of each family's stages that has more than one."""
    found, deep = [], set()
    for spec in (hybrids(50)[number] for number in EVERYWHERE):
        kept = {
            stage.family: at for at, stage in enumerate(spec.stages) if stage.depth > 1 and stage.family not in deep
        }
        stages = [s.changed(depth=2 if kept.get(s.family) == at else 1) for at, s in enumerate(spec.stages)]
        found.append(replace(spec, stages=tuple(stages)))
        deep |= kept.keys()
    return found


def test_a_few_hybrids_hold_every_family_at_every_stage():
    held = [(at, stage) for spec in thin_hybrids() for at, stage in enumerate(spec.stages)]
    assert {(at, stage.family) for at, stage in held} == {(at, family) for at in range(4) for family in FAMILIES}
    deep = {stage.family for number in EVERYWHERE for stage in hybrids(50)[number].stages if stage.depth > 1}
    assert sorted(stage.family for _, stage in held if stage.depth == 2) == sorted(deep)


@pytest.mark.filterwarnings("ignore")  # of the exporter
@pytest.mark.parametrize("at", range(len(EVERYWHERE)))
@torch.no_grad()
def test_a_thin_hybrid_exports_to_onnx(at, tmp_path):
    assert_exports(thin_hybrids()[at], 64, tmp_path / "model.onnx")


# An export takes some ten seconds however small the design: what all fifty gave is in reports/bench/hybrids_onnx.csv.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of the exporter
@pytest.mark.parametrize("number", range(50))
@torch.no_grad()
def test_a_hybrid_exports_to_onnx(number, tmp_path):
    assert_exports(hybrids(50)[number], 64, tmp_path / "model.onnx")


def assert_exports(spec, side, path):
    pytest.importorskip("onnxruntime")
    for got, expected in onnx_scores(spec, side, path):
        torch.testing.assert_close(got, expected, **PARITY)


@pytest.mark.slow
@pytest.mark.parametrize("name", SPACES)
def test_a_design_of_each_family_is_near_float32_in_int8(name, tmp_path):
    model = ExportedModel(Design("d", small_designs(name, 1)[0]), lively_at(small_designs(name, 1)[0], 64, 64), 64)
    found = [each for each in ("onnx-int8", "openvino-int8") if not lacking(FORMATS[each][1])]
    if not found:
        pytest.skip("no format in int8 is installed")
    record = export_folder(model, found, tmp_path / "out")
    assert all(int8["cosine_least"] > 0.9 for int8 in record["int8"].values()) and set(record["int8"]) == set(found)

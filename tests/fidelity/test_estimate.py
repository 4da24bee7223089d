from dataclasses import replace

import pytest

import vitspace
from vitspace.errors import InputError
from vitspace.fidelity.estimate import estimate, left_out_errors


def test_an_estimate_is_near_and_says_what_it_is():
    found = estimate(vitspace.anchor("mat_3").spec)
    assert found.low < found.top1 < found.high
    assert abs(found.top1 - 80.2) < 2
    assert "not a result" in str(found) and "90 % interval" in str(found)


def test_errors_are_of_families_left_out():
    errors = left_out_errors()
    assert len(errors) == 22
    assert 0.5 < sum(map(abs, errors)) / 22 < 2


def test_it_grows_with_the_score():
    small, large = (estimate(vitspace.anchor(name).spec).top1 for name in ("emsnet_xtiny", "msg_small"))
    assert small < large


@pytest.mark.parametrize("name", ["mat_1", "emsnet_xxtiny", "emsnet_tiny", "msg_base", "vt_r18_adv"])
def test_the_outermost_anchors_are_estimated(name):
    assert estimate(vitspace.anchor(name).spec).top1 > 60


@pytest.mark.parametrize(
    ("stage", "depth", "proxy", "message"),
    [
        (3, 12, "rank", "FLOPs a param 57.39 to 333.9"),
        (2, 60, "rank", "slog 391.1 to"),
        (2, 60, "ridge", "nt 33 to 492"),
    ],
)
def test_between_the_anchors_only_where_the_ratio_and_the_scores_are(stage, depth, proxy, message):
    spec = vitspace.anchor("mat_1").spec
    stages = [replace(s, depth=depth) if i == stage else s for i, s in enumerate(spec.stages)]
    with pytest.raises(InputError, match=f"an estimate is made within the range of the published designs, {message}"):
        estimate(replace(spec, stages=tuple(stages)), proxy)


@pytest.mark.parametrize(
    ("name", "depths"),
    [("msg_tiny", (1, 1, 1, 9)), ("msg_tiny", (1, 1, 20, 1)), ("transcnn_small", (1, 1, 1, 20))],
)
def test_a_design_laid_out_as_none_was_published_is_refused(name, depths):
    spec = vitspace.anchor(name).spec
    stages = tuple(replace(part, depth=depth) for part, depth in zip(spec.stages, depths, strict=True))
    with pytest.raises(InputError, match=r"FLOPs of stage \d, % of the design's, .* but got"):
        estimate(replace(spec, stages=stages))


@pytest.mark.parametrize("name", ["emsnet_xxtiny", "partialformer_b0", "mat_1"])
def test_where_the_curve_is_flat_the_interval_holds_what_it_is_flat_over(name):
    row = vitspace.anchor(name)
    found = estimate(row.spec)
    assert found.low <= row.published["top1"] <= found.high


def test_outside_the_anchors_it_is_refused():
    spec = vitspace.anchor("emsnet_xxtiny").spec
    shallow = replace(spec, stages=tuple(replace(stage, depth=1) for stage in spec.stages))
    with pytest.raises(InputError, match="an estimate is made within the range of the published designs, params"):
        estimate(shallow)

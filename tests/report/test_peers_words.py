import json
from dataclasses import replace

import pytest
from matplotlib.text import Text

from vitspace.report.figures import figures
from vitspace.report.folder import write_report
from vitspace.report.peers import peers_table, peers_words
from vitspace.report.plane_figure import draw_plane, plane
from vitspace.report.scatter import scatter
from vitspace.report.score_figure import draw
from vitspace.report.study_file import read_study
from vitspace.study.peer import StudyPeer

SOURCE = "timm results-imagenet.csv @aa4b585"


def timed(ms):
    return {"median_ms": ms, "low_ms": 0.97 * ms, "high_ms": 1.03 * ms, "measured_ms": 1.1 * ms, "doubt": ""}


USUAL = {"recipe": "usual recipe", "like_for_like": True, "source": SOURCE}
PEERS = [
    StudyPeer(
        *("repvit_m1_1.dist_450e_in1k", 224, 8_000_000, 1_337_000_000, 81.3),
        **{"recipe": "with a teacher", "source": SOURCE, "latency": timed(25.0)},
    ),
    StudyPeer("pvt_v2_b1.in1k", 224, 14_000_000, 2_110_000_000, 78.7, **USUAL, latency=timed(45.0)),
    StudyPeer("poolformer_s24.sail_in1k", 224, 21_000_000, 3_390_000_000, 82.0, **USUAL, latency=timed(48.0)),
    StudyPeer(
        *("convnext_tiny.fb_in22k_ft_in1k", 224, 28_000_000, 3_900_000_000),
        **{"recipe": "more data", "latency": timed(40.0)},
    ),
    StudyPeer("swin_base_patch4_window7_224.ms_in1k", 224, 88_000_000, 15_000_000_000, 83.5, **USUAL),
]


@pytest.fixture
def beside(points):
    return replace(points, peers=PEERS)


def test_the_table_says_what_is_not_like_for_like_and_where_numbers_stand(beside):
    rows = peers_table(beside).set_index("name")
    assert rows.loc["RepViT-M1.1", "recipe"] == "with a teacher: not like for like"
    assert rows.loc["PVTv2-B1", "recipe"] == "usual recipe" and rows.loc["PVTv2-B1", "source"] == SOURCE
    assert rows.loc["PVTv2-B1", "latency_low_ms"] == pytest.approx(43.65)
    assert rows["published_top1"].isna().sum() == 1


def test_figures_show_networks_of_known_accuracy_and_cost_that_are_in_view(beside):
    flops, latency = scatter(beside, "macs"), scatter(beside, "latency_ms")
    assert [(m.x, m.y, m.label) for m in flops.peers] == [(2.11, 78.7, "PVTv2-B1"), (3.39, 82.0, "PoolFormer-S24")]
    assert [(m.x, m.label) for m in latency.peers_apart] == [(25.0, "RepViT-M1.1")]
    assert "PVTv2-B1" not in {mark.label for mark in flops.public} and not any(
        "not timed" in c for c in latency.caption
    )
    assert [spot.label for spot in plane(beside).peers] == ["RepViT-M1.1", "PVTv2-B1", "PoolFormer-S24", "ConvNeXt-T"]


def test_networks_that_are_not_timed_stand_in_flops_alone(points):
    why = "the designs were timed on Xeon, and this is EPYC"
    record = replace(points, peers=[replace(peer, latency={}, why=why) for peer in PEERS[:2]])
    flops, latency = scatter(record, "macs"), scatter(record, "latency_ms")
    assert len(flops.peers + flops.peers_apart) == 2 and not latency.peers + latency.peers_apart
    assert "Public networks are not timed here." in latency.caption and not plane(record).peers
    assert f"Not timed, as {why}: RepViT-M1.1, PVTv2-B1." in peers_words(record)


def test_networks_that_are_far_slower_stand_in_flops_and_are_not_said_to_be_untimed(points):
    record = replace(points, peers=[replace(peer, latency=timed(4000.0)) for peer in PEERS[1:3]])
    flops, latency = scatter(record, "macs"), scatter(record, "latency_ms")
    assert [mark.label for mark in flops.peers] == ["PVTv2-B1", "PoolFormer-S24"] and not plane(record).peers
    assert not latency.peers and not any("ublic networks" in text for text in latency.caption)


def test_the_sentence_says_which_designs_lead_the_nearest_network(beside):
    text = peers_words(beside)
    how = "timed as the designs were at the size of image of their top-1"
    assert text.startswith(
        f"Beside 2 public networks of the usual recipe, {how} (PVTv2-B1, PoolFormer-S24): of 5 searched"
    )
    assert "design 2 (PVTv2-B1: +1.4 points" in text and "design 5 (PoolFormer-S24: 0.0 points" in text
    assert "Not like for like, and left out of that: RepViT-M1.1 (with a teacher)." in text
    assert "Of unknown accuracy, and so in no figure of accuracy: ConvNeXt-T." in text
    assert "Not timed: Swin-B." in text


def test_networks_above_all_searched_designs_are_named_though_they_are_nearest_to_none(points):
    best = max(trial.score for trial in points.completed if not trial.anchor)
    tops = (best - 0.1, best + 0.5, best + 0.5)
    peers = [replace(peer, top1=top1) for peer, top1 in zip(PEERS[1:3] + PEERS[:1], tops, strict=True)]
    said = f"Published above the estimates of all searched designs: PoolFormer-S24 ({best + 0.5:.1f} %, 3.39 G). Not"
    assert said in peers_words(replace(points, peers=peers))
    assert "Published above" not in peers_words(replace(points, peers=peers[:1]))


def test_beside_a_proxys_scores_networks_stand_by_their_costs(record):
    beside = replace(record, peers=PEERS)
    assert "do not compare with a proxy's scores" in peers_words(beside)
    assert not scatter(beside, "macs").peers and len(plane(beside).peers) == 4
    draw_plane(plane(beside))


@pytest.mark.parametrize("axis", ["macs", "latency_ms"])
def test_no_name_lies_on_another(beside, axis):
    figure = draw(scatter(beside, axis))
    figure.canvas.draw()
    names = [text for text in figure.axes[0].texts if text.get_text() in {"MSG-T", "PVTv2-B1", "PoolFormer-S24"}]
    boxes = [Text.get_window_extent(text) for text in names]  # without what leads to their points
    assert len(boxes) == 3
    assert not any(a.overlaps(b) for i, a in enumerate(boxes) for b in boxes[:i])


def test_a_report_holds_them_and_is_read_with_them(beside, tmp_path):
    out = write_report(beside, tmp_path / "out")
    text, page = (out / "report.md").read_text(), (out / "index.html").read_text()
    assert "## Public networks" in text and "with a teacher: not like for like" in text
    assert 'id="peers"' in page and "PoolFormer-S24" in page
    assert read_study(out).peers == PEERS
    rows = json.loads((out / "study.json").read_text())["peers"]
    assert rows[1]["published_top1"] == 78.7 and rows[1]["latency_low_ms"] == pytest.approx(43.65)


def test_a_study_without_peers_says_nothing_of_them(points, tmp_path):
    assert peers_words(points) == "" and points.to_json()["peers"] == []
    assert "Public networks" not in (write_report(points, tmp_path / "out") / "report.md").read_text()
    assert "peers" not in figures(points)

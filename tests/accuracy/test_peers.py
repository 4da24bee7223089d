import math

import pytest

from vitspace.accuracy import peers
from vitspace.accuracy.peers import check_peers, deployed, find_peers
from vitspace.accuracy.recipes import DISTILLED, LEFT_OUT, USUAL, WORDS
from vitspace.accuracy.table import published
from vitspace.errors import InputError

SMALL = "shvit_s1"
SERIES = peers.SERIES


@pytest.fixture
def counted(monkeypatch):
    """Names of the networks that were counted; counts are made up."""
    told = []
    monkeypatch.setattr(peers, "_counted", lambda name, size: told.append((name, size)) or (len(told), len(told)))
    peers._peer.cache_clear()
    yield told
    peers._peer.cache_clear()


def test_a_peer_has_its_published_top1_its_recipe_and_its_source(counted):
    swin, repvit = find_peers("swin_tiny_patch4_window7_224,repvit_m1_1", 224, math.inf)
    assert (swin.name, swin.top1, swin.recipe) == ("swin_tiny_patch4_window7_224.ms_in1k", 81.388, USUAL)
    assert swin.like_for_like and swin.source.startswith("timm results-imagenet.csv @")
    assert (repvit.recipe, repvit.like_for_like) == (DISTILLED, False)


def test_of_several_results_that_of_the_usual_recipe_near_the_size_of_the_designs_counts(counted):
    assert [find_peers("efficientvit_b1", size, 1)[0].img_size for size in (224, 256, 300)] == [224, 256, 288]
    assert find_peers("fastvit_t8", 224, 1)[0].name == "fastvit_t8.apple_in1k"
    assert find_peers("fastvit_t8.apple_dist_in1k", 224, 1)[0].recipe == DISTILLED


def test_a_name_that_stands_twice_is_one_peer(counted):
    assert len(find_peers("fastvit_t8, fastvit_t8.apple_in1k,fastvit_t8", 224, 1)) == 1


def test_weights_of_more_data_have_no_accuracy_and_say_why(counted):
    [found] = find_peers("convnext_tiny.fb_in22k_ft_in1k", 224, 1)
    assert found.top1 is None and not found.like_for_like and WORDS[found.recipe] == "more data than ImageNet-1k"


def test_by_default_the_largest_of_each_series_is_within_the_limits(counted, monkeypatch):
    monkeypatch.setattr(peers, "SERIES", SERIES)
    found = find_peers("default", 224, 2e9)
    rows = {row.name: row for row in published()}
    assert {peer.name.partition(".")[0] for peer in found} == {
        *("mobilenetv4_conv_medium", "efficientvit_b2", "repvit_m1_1", "fastvit_sa12", "convnext_pico")
    }
    assert all(0.2e9 <= rows[peer.name].cost.macs <= 2e9 for peer in found)
    assert all(rows[peer.name].cost.params <= 1e7 for peer in find_peers("default", 224, 2e9, 1e7))
    assert find_peers("default", 64, 2e9) == [] == find_peers("none", 224, 2e9)


def test_every_default_network_has_a_published_accuracy():
    known = {row.name.partition(".")[0] for row in published()}
    assert {name for names in SERIES for name in names} <= known


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "swin_tinyy",
            "a peer is a network of timm, but got 'swin_tinyy'; the nearest are swin_tiny_patch4_window7_224",
        ),
        ("msg_tiny", "a peer is a network of timm, but got 'msg_tiny'; the nearest are "),
        ("repvit_m1_1.foo", "those of repvit_m1_1 are repvit_m1_1.dist_300e_in1k, repvit_m1_1.dist_450e_in1k"),
        ("fastvit_t8,,", "a peer is a network of timm, but got ''"),
        ("none,fastvit_t8", "a peer is a network of timm, but got 'none'"),
    ],
)
def test_unknown_names_are_told_with_the_nearest(text, message):
    with pytest.raises(InputError) as caught:
        check_peers(text)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_branches_of_training_are_merged_and_counted_once(monkeypatch):
    peers._peer.cache_clear()
    [found] = find_peers(SMALL, 224, 1)
    [row] = [row for row in published() if row.name == found.name]
    network = deployed(SMALL)
    assert found.params == sum(each.numel() for each in network.parameters()) < row.cost.params
    assert 0.97 * row.cost.macs < found.macs <= row.cost.macs and not network.training
    monkeypatch.setattr(peers, "count_network", lambda *_: pytest.fail("counted again"))
    peers._peer.cache_clear()
    assert find_peers(SMALL, 224, 1) == [found]


def test_every_class_of_recipe_has_words():
    assert {row.recipe for row in published()} | set(LEFT_OUT) <= set(WORDS)

import timm
import torch

from vitspace.anchors import anchor
from vitspace.costs import cost
from vitspace.costs.counter import count_network, on_meta
from vitspace.network import build
from vitspace.spec import Spec


def whole(spec, img_size=224):
    with on_meta():
        network = build(spec, img_size=img_size)
    return count_network(network, 3, img_size, img_size)


def test_published_designs_sum_to_one_whole_pass():
    for name in ("msg_tiny", "emsnet_xxtiny", "mat_2", "partialformer_b0", "vt_r18_adv", "transcnn_small"):
        spec = anchor(name).spec
        assert cost(spec).numbers == whole(spec).numbers, name


def test_hybrids_sum_to_one_whole_pass():
    designs = [anchor(name).spec for name in ("msg_tiny", "emsnet_xxtiny", "mat_2", "vt_r18_adv", "transcnn_small")]
    for turn in range(len(designs)):
        turned = designs[turn:] + designs[:turn]
        stages = tuple(design.stages[i] for i, design in enumerate(turned[:4]))
        spec = Spec(turned[0].stem, stages, turned[3].head)
        assert cost(spec).numbers == whole(spec).numbers, spec


def test_a_network_on_the_cpu_is_counted_as_its_paper_writes_it():
    """Not as evaluation runs it there, which for most families is another number."""
    designs = [
        anchor(name).spec for name in ("msg_tiny", "emsnet_xxtiny", "mat_2", "partialformer_b0", "transcnn_small")
    ]
    for turn in range(len(designs)):
        turned = designs[turn:] + designs[:turn]
        shallow = tuple(design.stages[i].changed(depth=1) for i, design in enumerate(turned[:4]))
        spec = Spec(turned[0].stem, shallow, turned[3].head)
        assert count_network(build(spec), 3, 64, 64).numbers == cost(spec, 64).numbers, spec


def test_resnet_50_is_made_up_as_its_paper_says():
    with torch.device("meta"):
        found = count_network(timm.create_model("resnet50"), 3, 224, 224)
    makeup = found.makeup
    assert (makeup.weights, makeup.residuals, makeup.softmaxes, makeup.products) == (54, 16, 0, 0)
    assert (makeup.chain, makeup.spatial, makeup.pooled) == (50, 17, 1)
    assert makeup.macs_4 + makeup.macs_8 + makeup.macs_16 + makeup.macs_32 + 2048 * 1000 == found.macs


def test_attention_is_products_softmaxes_and_the_keys_that_they_see():
    with torch.device("meta"):
        makeup = count_network(timm.create_model("deit_tiny_patch16_224"), 3, 224, 224).makeup
    assert (makeup.softmaxes, makeup.products) == (12, 24)
    assert makeup.keys_share == 12_000_000 and makeup.macs_4 == makeup.macs_8 == makeup.macs_32 == 0


def test_counting_leaves_a_network_in_its_mode():
    network = timm.create_model("test_resnet").train()
    count_network(network, 3, 64, 64)
    assert network.training and torch.backends.mha.get_fastpath_enabled()

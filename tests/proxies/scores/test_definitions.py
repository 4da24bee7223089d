"""Each score against its definition, worked out anew on a small network."""

import math
from itertools import pairwise

import pytest
import timm
import torch
import torch.nn.functional as F  # noqa: N812
from small import BATCH, SETTINGS, SIDE, Small

from vitspace.proxies import SCORES, ProxyError
from vitspace.proxies.scores import Subject, dss, measure, zico
from vitspace.proxies.scores._evidence import PassResults, weights
from vitspace.proxies.scores._on_images import images


@pytest.fixture(scope="module")
def found():
    return measure(Subject("small", Small, SIDE), settings=SETTINGS)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Small()


@pytest.fixture(scope="module")
def batches():
    pixels, labels = images(SIDE, 2 * BATCH, 0)
    return list(zip(pixels.chunk(2), labels.chunk(2), strict=True))


def outputs(network, x):
    """What each block puts out."""
    steps = [network.stem(x)]
    for block in network.blocks:
        steps.append(block(steps[-1]))
    return steps


def test_every_score_gives_a_number(found):
    assert not found.failures and set(found.values) == set(SCORES)


def test_params_macs_nt_slog_count(found):
    sizes = [3 * 4 * 16, 16, 144, 16, 144, 80]
    assert found.values["params"] == sum(sizes)
    assert found.values["macs"] == 16 * (sizes[0] + 2 * (16 + 144)) + 80
    assert found.values["nt"] == 6
    assert found.values["slog"] == pytest.approx(sum(map(math.log, sizes)))


def test_expressivity_is_the_entropy_of_principal_components(found, network, batches):
    x = torch.cat([x for x, _ in batches])
    expected = 0.0
    for y in outputs(network, x)[1:]:
        rows = y.detach().permute(0, 2, 3, 1).reshape(-1, 4).numpy()
        shares = torch.linalg.eigvalsh(torch.cov(torch.from_numpy(rows).T.double(), correction=0))
        shares = shares / shares.sum()
        expected -= sum(p * math.log(p) for p in shares.tolist() if p > 1e-9)
    assert found.values["expressivity"] == pytest.approx(expected, rel=1e-3)


def test_trainability_is_the_gain_of_pulled_back_signs(found, network, batches):
    torch.manual_seed(0)
    Small()  # as many random numbers as building draws
    steps, gains = outputs(network, batches[0][0]), []
    for before, after in pairwise(steps):
        signs = torch.randint(0, 2, after.shape).float() * 2 - 1
        [pulled] = torch.autograd.grad(after, before, signs, retain_graph=True)
        a, b = (t.permute(0, 2, 3, 1).reshape(-1, 4) for t in (pulled, signs))
        gains.append(torch.linalg.svdvals(a.T @ b / len(a))[0].item())
    expected = sum(2 - g - 1 / (g + 1e-6) for g in gains) / len(gains)
    assert found.values["trainability"] == pytest.approx(expected, rel=1e-4)


def test_zico_is_the_inverse_variation_of_gradients(found, network, batches):
    sizes = []
    for x, y in batches:
        network.zero_grad()
        F.cross_entropy(network(x), y).backward()
        sizes.append([p.grad.abs().double() for p in network.parameters()])
    expected = 0.0
    for layer in zip(*sizes, strict=True):
        stacked = torch.stack(layer)
        mean, deviation = stacked.mean(0), stacked.std(0, correction=0)
        varies = deviation**2 > 1e-6 * mean**2
        expected += math.log((mean[varies] / deviation[varies]).sum().item())
    assert found.values["zico"] == pytest.approx(expected, rel=1e-3)


def test_naswot_is_the_determinant_of_agreements(found, network, batches):
    codes = []
    for x, _ in batches:
        before = [block.conv(block.attn(y)) for block, y in zip(network.blocks, outputs(network, x), strict=False)]
        codes.append(torch.cat([(b > 0).flatten(1) for b in before], dim=1))
    codes = torch.cat(codes)
    kernel = [[float((a == b).sum()) for b in codes] for a in codes]
    expected = torch.linalg.slogdet(torch.tensor(kernel, dtype=torch.float64))[1].item()
    assert found.values["naswot"] == pytest.approx(expected, rel=1e-6)


def linear_pass(network):
    network.double()
    for p in network.parameters():
        p.data.abs_()
    network(torch.ones(1, 3, SIDE, SIDE, dtype=torch.float64)).sum().backward()
    return dict(network.named_parameters())


def test_synflow_is_the_logarithm_of_the_flow_without_rescaling(found, network):
    flow = sum((p * p.grad).abs().sum().item() for p in linear_pass(network).values())
    assert found.values["synflow"] == pytest.approx(math.log(flow), rel=1e-6)


def test_dss_is_nuclear_in_attention_and_saliency_elsewhere(found, network):
    total = 0.0
    for name, p in linear_pass(network).items():
        if "attn" in name:
            total += (torch.linalg.svdvals(p.flatten(1)).sum() * torch.linalg.svdvals(p.grad.flatten(1)).sum()).item()
        else:
            total += (p * p.grad).abs().sum().item()
    assert found.values["dss"] == pytest.approx(math.log(total), rel=1e-5)


@pytest.mark.parametrize(
    ("name", "attention"),
    [
        ("swin_tiny_patch4_window7_224", {"attn.qkv", "attn.proj"}),
        ("pvt_v2_b0", {"attn.q", "attn.kv", "attn.proj"}),
        ("mobilevit_xxs", {"attn.qkv", "attn.proj"}),
        ("partialformer_b0", {"attn.qkv", "attn.proj"}),
    ],
)
def test_attention_of_dss_has_no_perceptrons_in_it(name, attention):
    with torch.device("meta"):
        network = timm.create_model(name)
    layers = [name for name, weight in weights(network) if dss.is_of_attention(network, name, weight)]
    assert {".".join(layer.split(".")[-2:]) for layer in layers} == attention


def test_zico_refuses_gradients_that_are_not_finite(network):
    sums = torch.tensor([2.0, math.inf]), torch.tensor([3.0, math.inf])
    with pytest.raises(ProxyError, match="a gradient is not finite"):
        zico.score(PassResults(Subject("small", Small, SIDE), network, gradients={"layer": sums}, batches=2))

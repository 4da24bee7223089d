"""The spaces of single ablations: their sizes, and the published rows that lie in them."""

import pytest

from vitspace.files import data_names, find_yaml, read_yaml
from vitspace.space import load_space
from vitspace.study.config import StudyConfig

FOUND = {
    "mat-blocks": (16, ["mat_2", "mat_2_stages_1111", "mat_2_stages_0111", "mat_2_stages_0001"]),
    "msg-regions": (18, ["msg_t_abl_token", "msg_t_abl_token_shuffle", "msg_shuffle_2_2_2_1", "msg_shuffle_4_2_2_1"]),
    "partial-ratios": (72, ["partialformer_b1"]),
    "transcnn-grids": (27, ["transcnn_small"]),
    "vt-tokens": (4, ["vt_r18", "vt_r18_tokens_32", "vt_r18_tokens_64"]),
}


def test_every_ablation_is_tested():
    assert [name for name in data_names("spaces", nested=True) if "/" in name] == [f"ablations/{n}" for n in FOUND]


@pytest.mark.parametrize("name", FOUND)
def test_size_and_published_rows(name):
    space = load_space(f"ablations/{name}")
    assert (space.size(), [row.id for row in space.anchors(ablations=True)]) == FOUND[name]


@pytest.mark.parametrize("name", FOUND)
def test_its_study_tries_every_design(name):
    config = read_yaml(find_yaml(name, "studies"), StudyConfig)
    assert config.space == f"ablations/{name}" and config.default_name() == name
    assert config.trials == FOUND[name][0] and config.ablations

import pytest

from vitspace.accuracy.recipes import recipe_of


@pytest.mark.parametrize(
    ("name", "recipe"),
    [
        ("swin_tiny_patch4_window7_224.ms_in1k", "deit300"),
        ("swin_tiny_patch4_window7_224.ms_in22k_ft_in1k", "extra"),
        ("deit_small_distilled_patch16_224.fb_in1k", "distilled"),
        ("deit3_small_patch16_224.fb_in1k", "deit3"),
        ("xcit_tiny_12_p16_224.fb_in1k", "deit400"),
        ("resnet50.a1_in1k", "rsb"),
        ("resnet50.tv_in1k", "cnn100"),
        ("mobilenetv3_large_100.ra_in1k", "cnn_long"),
        ("convnextv2_atto.fcmae_ft_in1k", "mim1k"),
        ("resnet50.something_new", "other"),
    ],
)
def test_a_recipe_is_read_from_name_and_tag(name, recipe):
    assert recipe_of(name) == recipe

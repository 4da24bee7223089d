"""Sizes of images as texts."""

import pytest

from vitspace.errors import InputError
from vitspace.image_sizes import format_image_size, parse_image_size, parse_image_sizes, plain_size, sides


@pytest.mark.parametrize(
    ("text", "size"),
    [("256", (256, 256)), ("192x256", (192, 256)), (" 192 X 256 ", (192, 256))],
)
def test_a_size_is_height_and_width(text, size):
    assert parse_image_size(text) == size


@pytest.mark.parametrize("text", ["", "x", "256x", "x256", "-256", "2.5", "256px", "1x2x3", "256,", "٢٥٦", "1e3"])
def test_other_texts_are_refused(text):
    with pytest.raises(InputError, match="an image size is a side such as 256"):
        parse_image_size(text)


@pytest.mark.parametrize("text", ["31", "4097", "224x16", "0", "999999999"])
def test_sides_have_bounds(text):
    with pytest.raises(InputError, match="a side of an image is 32 to 4096 pixels"):
        parse_image_size(text)


def test_a_list_of_sizes_is_in_order_and_names_each_once():
    assert parse_image_sizes("192, 224,256x192") == [192, 224, (256, 192)]
    with pytest.raises(InputError, match="each once"):
        parse_image_sizes("224,224x224")
    with pytest.raises(InputError, match="at most 16"):
        parse_image_sizes(",".join(str(side) for side in range(32, 49)))


@pytest.mark.parametrize("size", [224.0, "224", True, (224,), (1, 2, 3), None, (224, "x")])
def test_a_size_is_whole_numbers(size):
    with pytest.raises(InputError, match="a whole number or a pair"):
        sides(size)


def test_a_square_has_one_form():
    assert plain_size([224, 224]) == plain_size(224) == 224
    assert plain_size([192, 256]) == (192, 256)
    assert [format_image_size(size) for size in (224, (224, 224), (192, 256))] == ["224", "224", "192x256"]

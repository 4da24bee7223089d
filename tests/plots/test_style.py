"""Marks of axes: no common factor over the axes, and every mark told from the others."""

import io

import numpy as np
import pytest
from matplotlib.ticker import MaxNLocator

from vitspace.plots import style


@pytest.mark.parametrize("power", range(-12, 13))
@pytest.mark.parametrize("offset", [0.0, 1.0, 1e3])
def test_axes_of_any_scale_have_no_factor_over_them_and_marks_that_differ(power, offset):
    low, high = (offset - 0.7) * 10.0**power, (offset + 0.6) * 10.0**power
    ticks = style.Ticks()
    locs = MaxNLocator(5).tick_values(low, high)
    texts = ticks.format_ticks(locs)
    read = np.array([float(text.replace("\N{MINUS SIGN}", "-")) for text in texts])
    assert ticks.get_offset() == "" and len(set(texts)) == len(texts)
    assert np.abs(read - locs).max() <= 0.02 * np.diff(locs).min()
    assert offset > 1 or max(map(len, texts)) <= 9


def test_every_figure_is_drawn_with_such_marks():
    with style.styled():
        figure = style.new_figure()
        axes = figure.subplots(1, 2)
        axes[0].plot([0, 1], [1e-5, 6.5e-5])
        axes[1].plot([1e9, 3e9], [25e6 + 1, 25e6 + 2])
        figure.savefig(io.BytesIO(), format="png")
    for each in axes:
        for axis in (each.xaxis, each.yaxis):
            assert axis.get_offset_text().get_text() == ""
            assert all(label.get_text() for label in axis.get_ticklabels())

"""Tables and figures of hand-made effects."""

import pytest

from vitspace.analysis.axes_figure import PANELS, draw_axes
from vitspace.analysis.comparison import SpaceSample
from vitspace.analysis.comparison_figure import draw_comparison
from vitspace.analysis.effects import AxisEffects, Effect
from vitspace.analysis.importance import Importance
from vitspace.analysis.scoring import ScoredDesign
from vitspace.analysis.tables import axes_table, readable_value, shown_axes, values_table
from vitspace.anchors import anchor
from vitspace.plots.style import looks

EFFECTS = [
    AxisEffects(
        f"axis.{i}",
        20,
        (
            Effect(1 / 64, 10, 0.1, 0.0, 0.2, 5.0),
            Effect(True, 8, -0.1, -0.2, 0.0, 4.0),
            Effect("none", 2, 0.0, -1.0, 1.0, 4.5),
        ),
        best=1 / 64,
        gain=0.2,
        gain_low=0.1,
        gain_high=0.3,
        rivals=() if i else (True,),
    )
    for i in range(PANELS + 2)
]
IMPORTANCE = {f"axis.{i}": Importance(i / 100, 0.5, 1.0) for i in range(PANELS)}


@pytest.mark.parametrize(("value", "text"), [(1 / 64, "1/64"), (0.75, "3/4"), (0.3, "0.3"), (True, "yes"), (16, "16")])
def test_readable_values(value, text):
    assert readable_value(value) == text


def test_the_most_important_axis_comes_first():
    table = axes_table(EFFECTS, IMPORTANCE)
    assert table["axis"].iloc[0] == f"axis.{PANELS - 1}" and len(table) == PANELS + 2
    shown = shown_axes(table).set_index("axis")
    assert shown.loc["axis.0", "is that resolved"] == "no: yes may be as good"
    assert shown.loc["axis.1", "ahead of the next by"] == "0.2 (0.1 to 0.3)"
    assert len(values_table(EFFECTS)) == 3 * len(EFFECTS)


def test_no_preference_is_said():
    [row] = shown_axes(axes_table([AxisEffects("a", 3, ())], {})).to_dict("records")
    assert row["the data prefer"] == "too few designs a value"


def test_a_figure_has_at_most_so_many_panels():
    figure = draw_axes(EFFECTS, IMPORTANCE, "title")
    assert sum(axes.get_visible() for axes in figure.axes) == PANELS


def test_the_key_is_ordered_by_median_and_names_the_empty():
    spec = anchor("mat_1").spec
    samples = [SpaceSample(name, 2, 0.0, scored=(ScoredDesign(spec, 1, 1, s), ScoredDesign(spec, 1, 1, s + 1)))
               for name, s in (("mat", 1.0), ("own", 5.0))]  # fmt: skip
    figure = draw_comparison([*samples, SpaceSample("ems", 0, 0.0, why="none")], "title", "score")
    [axes] = figure.axes
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["own: 5.5, 6", "mat: 1.5, 2"]
    assert any("No design within the budget: ems" in text.get_text() for text in figure.texts)


def test_a_comparison_without_any_design_is_drawn():
    assert draw_comparison([SpaceSample("ems", 0, 0.0, why="none")], "title", "score").axes


def test_every_space_has_a_look_of_its_own():
    names = ["msg", "hybrid", "unified", "one", "two", "mat"]
    assert len(set(looks(names).values())) == len(names)

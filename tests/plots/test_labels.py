import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vitspace.plots import style
from vitspace.plots.labels import Labels


def labelled(points):
    """Name every point; return the names' annotations."""
    figure = Figure(figsize=(6, 4))
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set(xlim=(0, 10), ylim=(0, 10))
    labels = Labels(axes, points)
    for number, (x, y) in enumerate(points):
        labels.add(x, y, f"published design {number}", color="black")
    return axes.texts


def test_a_name_beside_its_point_needs_no_line():
    [name] = labelled([(5, 5)])
    assert name.get_text() == "published design 0" and name.arrow_patch is None


def test_a_line_leads_from_a_name_that_found_room_farther_away():
    names = labelled([(5 + 0.1 * i, 5 + 0.1 * (i % 2)) for i in range(9)])
    assert len(names) == 9 and any(name.arrow_patch for name in names)


@pytest.mark.parametrize(("names", "size"), [(1, 10.5), (6, 10.5), (10, 9.5), (40, 7.0)])
def test_many_names_are_smaller(names, size):
    assert style.WIDE.label_of(names) == size

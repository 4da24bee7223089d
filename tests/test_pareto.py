import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from vitspace.pareto import best_first, crowding, hypervolume, non_dominated, normalised_hypervolume

POINTS = arrays(float, st.tuples(st.integers(1, 7), st.just(3)), elements=st.integers(0, 5).map(float))


def test_front_of_a_known_set():
    assert non_dominated([[1, 3], [2, 2], [3, 1], [3, 3], [2, 2]]).tolist() == [True, True, True, False, True]


def test_volume_of_known_boxes():
    assert hypervolume([[1, 1]], [3, 3]) == 4
    assert hypervolume([[1, 2], [2, 1]], [3, 3]) == 3
    assert hypervolume([[0, 0, 0]], [2, 3, 4]) == 24


def test_points_outside_the_reference_add_nothing():
    assert hypervolume([[3, 0], [0, 3]], [3, 3]) == 0
    assert hypervolume(np.empty((0, 2)), [3, 3]) == 0


@settings(deadline=None)
@given(POINTS)
def test_volume_equals_counting_unit_cells(points):
    cells = itertools.product(range(6), repeat=3)
    covered = sum(bool(np.any(np.all(points <= np.array(cell), axis=1))) for cell in cells)
    assert hypervolume(points, [6, 6, 6]) == pytest.approx(covered)


@settings(deadline=None)
@given(POINTS)
def test_dominated_points_change_nothing(points):
    assert hypervolume(points, [6, 6, 6]) == pytest.approx(hypervolume(points[non_dominated(points)], [6, 6, 6]))


def test_normalised_volume_lies_in_the_unit_interval():
    assert normalised_hypervolume([[0, 0]], (0, 0), (2, 5)) == 1
    assert normalised_hypervolume([[-1, 2.5]], (0, 0), (2, 5)) == pytest.approx(0.5)
    assert normalised_hypervolume([], (0, 0), (2, 5)) == 0


def test_the_best_come_first_rank_by_rank():
    points = [(4, 4), (0, 3), (3, 0), (1, 1), (5, 5), (2, 2)]
    assert best_first(points) == [1, 2, 3, 5, 0, 4]
    assert best_first([(1, 1)]) == [0] and best_first([]) == []


def test_ends_are_never_crowded_and_neighbours_are():
    found = crowding([(0, 4), (1, 3), (1.1, 2.9), (4, 0)])
    assert found[0] == found[3] == np.inf
    assert found[2] > found[1] > 0
    assert crowding([(1, 1), (1, 1)]).tolist() == [0, 0]

"""Finalists that lie at an end of an axis are told, since the best may then be outside of the space."""

from dataclasses import replace

import pytest

import vitspace
from vitspace.report.finalists import ends_words
from vitspace.report.words import headline
from vitspace.spec import Spec

SPACE = vitspace.load_space("msg")


@pytest.fixture
def crowd(points):
    """Return a study whose finalists have the depths of the last stage that are given."""

    def made(depths):
        spec = SPACE.decode(SPACE.encode(vitspace.anchor("msg_tiny").spec))

        def deep(depth: int) -> Spec:
            return replace(spec, stages=(*spec.stages[:3], spec.stages[3].changed(depth=depth)))

        trials = [replace(points.trials[5], number=n, spec=deep(d)) for n, d in enumerate(depths, 10)]
        stored = SPACE.config.model_dump(exclude_none=True)
        return replace(points, trials=[points.trials[0], *trials], resolved={"space": stored})

    return made


def test_an_axis_is_named_at_whose_end_nearly_all_finalists_lie(crowd):
    text = ends_words(crowd([8] * 10 + [4, 6]))
    assert "depth 8 in stage 4 (10)" in text and text.startswith("Nearly all 12 finalists are at an end of ")
    assert text.endswith("The best may lie outside of the space.")
    assert text in headline(crowd([8] * 10 + [4, 6]))


def test_an_end_that_nothing_lies_beyond_is_not_named(crowd):
    assert "depth 1" not in ends_words(crowd([1] * 12))


def test_fewer_at_an_end_or_few_finalists_are_not_named(crowd, points, bare):
    assert "depth" not in ends_words(crowd([8] * 9 + [4] * 3))
    assert ends_words(crowd([8] * 5)) == ends_words(points) == ends_words(bare) == ""

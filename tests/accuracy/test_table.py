from vitspace.accuracy.recipes import DISTILLED, LEFT_OUT, USUAL, recipe_of
from vitspace.accuracy.table import published, read_rows, write_rows
from vitspace.anchors.references import main_anchors
from vitspace.costs import cost


def test_public_rows_have_the_recipe_of_their_name_and_no_more_data():
    rows = [row for row in published() if row.public]
    assert len(rows) > 800 and len({row.name for row in rows}) == len(rows)
    assert all(row.recipe == recipe_of(row.name) and row.recipe not in LEFT_OUT for row in rows)


def test_our_anchors_stand_as_they_are_counted_now():
    rows = {row.name: row for row in published() if not row.public}
    assert set(rows) == {anchor.id for anchor in main_anchors()}
    for anchor in main_anchors():
        row = rows[anchor.id]
        assert row.cost.numbers == cost(anchor.spec, anchor.resolution).numbers, anchor.id
        assert (row.top1, row.recipe) == (anchor.published["top1"], DISTILLED if anchor.family == "vt" else USUAL)


def test_a_table_is_read_as_it_was_written(tmp_path):
    rows = list(published()[-3:])
    write_rows(tmp_path / "t.csv", rows)
    assert read_rows((tmp_path / "t.csv").read_text().splitlines()) == rows

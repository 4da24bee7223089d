"""The page and the figure of several studies, the page in a real browser where there is one."""

import re
from dataclasses import replace

import pytest

from vitspace.report.compare import Comparison
from vitspace.report.comparison_figure import draw_comparison
from vitspace.report.folder import write_comparison


@pytest.fixture(scope="module")
def file(record, tmp_path_factory):
    other = replace(record, name="<b>again</b>")
    return write_comparison(Comparison.of([record, other]), tmp_path_factory.mktemp("page")) / "index.html"


def test_the_page_needs_nothing_else(file):
    text = file.read_text()
    assert not re.search(r"https?://|@import|url\(|<script src|<link rel=\"stylesheet", text)
    assert "&lt;b&gt;again&lt;/b&gt;" in text and "<b>again" not in text
    assert "Common hypervolume holds all of them" in text and "vitspace search --space msg --budget 4G" in text


def test_a_browser_shows_figures_and_sorts_designs(browser, file):
    browser.open(file.as_uri())
    assert browser.run("[...document.images].map(image => image.complete && image.naturalWidth)") == [1280] * 2
    assert browser.run("document.querySelectorAll('#fronts tbody tr').length") == 8
    browser.run("document.querySelector('#fronts th button').click()")
    assert browser.run("document.querySelector('#fronts td').textContent") == "<b>again</b>"
    assert browser.troubles == []


def test_a_phone_scrolls_down_only(browser, file):
    browser.open(file.as_uri(), width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run("document.images[0].naturalWidth") == 672


def test_an_anchor_is_named_in_each_panel_though_its_stars_stand_close(record):
    moved = [replace(t, macs=round(t.macs * 1.001), score=t.score - 0.001) if t.anchor else t for t in record.trials]
    records = [record, replace(record, name="b", trials=moved), replace(record, name="c")]
    for axes in draw_comparison(Comparison.of(records)).axes:
        assert [text.get_text() for text in axes.texts] == ["MSG-T"]

"""The page as text, and in a real browser where there is one."""

import re
from dataclasses import replace

import pytest

from vitspace.report.page import page_html
from vitspace.report.page.sections import cards, trials_grid

PNG = b"\x89PNG"
WIDE = dict.fromkeys(("score_flops", "score_latency", "latency_flops", "hypervolume"), PNG)


@pytest.fixture(scope="module")
def file(record, tmp_path_factory):
    from vitspace.report.folder import write_report

    return write_report(record, tmp_path_factory.mktemp("page")) / "index.html"


@pytest.fixture
def page(browser, file):
    browser.open(file.as_uri())
    return browser


def column(page, number):
    cells = f"[...document.querySelectorAll('#trials tbody tr:not([hidden]) td:nth-child({number})')]"
    return page.run(f"{cells}.map(cell => cell.textContent.trim())")


def test_nothing_is_fetched_from_elsewhere(file):
    text = re.sub(r'xmlns="[^"]*"', "", file.read_text())
    assert not re.search(r"https?://|@import|url\(|<script src|<link rel=\"stylesheet", text)
    assert file.stat().st_size < 2_000_000


def test_every_part_is_there(file):
    text = file.read_text()
    for part in (
        *("5 designs evaluated within 4G FLOPs", "Scores are a proxy", "Knee", "Estimated ImageNet-1k top-1"),
        *("drawn at random reached", "too few to tell axes apart", "has no report card", "vitspace search --space msg"),
        *("FLOPs 5G outside ..4G", "node-1", "<svg", "latency from it"),
    ):
        assert part in text, part


def test_words_of_others_are_escaped(record, monkeypatch):
    monkeypatch.setattr("vitspace.report.page._picture", lambda *_: {"alt": "", "wide": "", "narrow": ""})
    monkeypatch.setattr("vitspace.report.page.sections.estimate_words", lambda *_: "")
    evil = replace(record.trials[-1], why="<script>alert(1)</script>")
    text = page_html(replace(record, name="a" * 200, trials=[evil]), WIDE)
    assert "<script>alert" not in text and "&lt;script&gt;alert" in text


def test_a_card_of_doubted_latency_says_why(record):
    busy = [replace(trial, latency=trial.latency | {"doubt": "the machine was busy"}) for trial in record.trials]
    card = cards(replace(record, trials=busy))[0]
    assert dict(card.facts)["CPU latency"].endswith(" ms, unsure")
    assert card.doubt == "The latency is unsure: the machine was busy."
    assert not cards(record)[0].doubt


def test_filters_count_what_is_there(record):
    _, filters = trials_grid(record)
    words = {name: count for _, name, count in filters}
    expected = {"all": 7, "on the front": 4, "published": 1, "complete": 5, "invalid": 1, "over budget": 1}
    assert words == expected


def test_the_browser_has_nothing_to_complain_of(page):
    images = "[...document.images].map(image => image.complete && image.naturalWidth)"
    assert page.run(images) == [1280] * 4
    assert page.troubles == []


def test_a_click_on_a_heading_sorts_and_another_turns_it(page):
    head = "document.querySelector('#trials th:nth-child(4)')"
    page.run(f"{head}.querySelector('button').click()")
    first = column(page, 4)
    assert [text for text in first if text] == sorted((t for t in first if t), key=float) and first[-1] == ""
    page.run(f"{head}.querySelector('button').click()")
    assert page.run(f"{head}.getAttribute('aria-sort')") == "descending" and column(page, 4)[0] == first[-2]


def test_headings_work_by_keyboard(page):
    page.run("document.querySelector('#trials th:nth-child(2) button').focus()")
    page.press("Enter", 13)
    assert page.run("document.querySelector('#trials th:nth-child(2)').getAttribute('aria-sort')") == "ascending"


def test_filters_hide_rows(page):
    page.run("document.querySelector('[data-state=over_budget]').click()")
    assert column(page, 1) == ["5"]
    page.run("document.querySelector('[data-state=all]').click()")
    page.run("(i => { i.value = 'msg-t'; i.dispatchEvent(new Event('input')); })(document.querySelector('input'))")
    assert column(page, 1) == ["0"]


def test_a_phone_scrolls_down_only(browser, file):
    browser.open(file.as_uri(), width=390, height=844)
    assert browser.run("document.documentElement.scrollWidth") == 390
    assert browser.run("getComputedStyle(document.body).fontSize") == "15.5px"
    narrow = browser.run("document.images[0].currentSrc === document.querySelector('source').srcset")
    assert narrow and browser.run("document.images[0].naturalWidth") == 672


def test_wide_tables_are_printed_on_wide_paper(page):
    page.call("Emulation.setEmulatedMedia", media="print")
    papers = page.run("['gaps', 'all', 'few'].map(id => getComputedStyle(document.getElementById(id)).page)")
    page.call("Emulation.setEmulatedMedia", media="")
    assert papers == ["wide", "wide", "auto"]

"""The page: a report as one HTML file that needs nothing else, neither network nor files beside it."""

import base64
import io
import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from vitspace import __version__
from vitspace.plots import style
from vitspace.report.check import check_words
from vitspace.report.compare import Comparison
from vitspace.report.comparison_figure import draw_comparison
from vitspace.report.figures import ReportFigure, figures
from vitspace.report.importance import axis_importance
from vitspace.report.page import sections
from vitspace.report.peers import peers_table, peers_words
from vitspace.report.proxy import proxy_name
from vitspace.report.scatter import Axis, cost_name
from vitspace.report.tables import anchors_shown, calibration, settings_table
from vitspace.report.trust import report_card
from vitspace.report.words import headline, next_commands, proxy_sentence, score_word
from vitspace.study.record import StudyRecord
from vitspace.units import format_seconds

_FOLDER = Path(__file__).parent
_VIEWS = ("score_flops", "score_latency", "latency_flops")


def page_html(record: StudyRecord, wide: dict[str, bytes]) -> str:
    """Return the page.

    Args:
        record: The study as stored.
        wide: The PNG of every one of `figures`; those for narrow screens are drawn here.
    """
    return _render("page.html.j2", _content(record, wide))


def comparison_html(comparison: Comparison) -> str:
    """Return the page of several studies."""
    score = score_word(comparison.records[0])
    axes: tuple[Axis, ...] = ("macs", "latency_ms")
    draws = [
        (
            f"Fronts of {score} and {cost_name(comparison.records[0], axis)}",
            partial(draw_comparison, comparison, [axis]),
        )
        for axis in axes
    ]
    content = {
        "title": " and ".join(record.name for record in comparison.records),
        "headline": comparison.headline().partition(": ")[2],
        "proxy": proxy_sentence(comparison.records[0]),
        "warnings": comparison.latency_words(),
        "words": " ".join([comparison.point_words("Common hypervolume"), *comparison.noise_words()]),
        "studies": sections.grid(comparison.table().rename(columns={"front": "on_front"})),
        "fronts": sections.fronts_grid(comparison),
        "pictures": [_pictured(title, _png(draw()), _png(draw(form=style.NARROW))) for title, draw in draws],
        "commands": [(record.name, record.resolved.get("command") or "not recorded") for record in comparison.records],
        "version": __version__,
    }
    return _render("comparison.html.j2", content)


def _render(template: str, content: dict[str, Any]) -> str:
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters["code"] = lambda text: Markup(re.sub("`(.+?)`", r"<code>\1</code>", str(escape(text))))
    assets = {kind: Markup((_FOLDER / f"page.{kind}").read_text(encoding="utf-8")) for kind in ("css", "js")}
    return environment.get_template(template).render(content | assets)


def _content(record: StudyRecord, wide: dict[str, bytes]) -> dict[str, Any]:
    trials, filters = sections.trials_grid(record)
    pictures = {name: _picture(record, figure, wide[name]) for name, figure in figures(record).items()}
    return {
        "title": record.name,
        "headline": headline(record).removeprefix(f"{record.name}: "),
        "proxy": proxy_sentence(record),
        "facts": sections.facts(record),
        "score_word": score_word(record),
        "in_points": record.in_points,
        "views_note": sections.views_note(record),
        "check": pictures.get("check"),
        "check_words": check_words(record) if record.in_points else "",
        "lost": sections.lost_words(record),
        "views": [pictures[name] for name in _VIEWS],
        "hypervolume": pictures["hypervolume"],
        "cards": sections.cards(record),
        "chosen_note": sections.chosen_note(record),
        "front": sections.front_grid(record),
        "noise": sections.noise_words(record),
        "published": sections.grid(anchors_shown(record).drop(columns="settings")),
        "peers": sections.grid(peers_table(record)),
        "peers_words": peers_words(record),
        "settings": sections.grid(settings_table(record)),
        "growth": sections.growth_words(record),
        "importance": axis_importance(record),
        "card": report_card(record),
        "proxy_name": proxy_name(record),
        "worth": sections.grid(calibration(record)),
        "trials": trials,
        "filters": filters,
        "command": record.resolved.get("command"),
        "convention": record.resolved.get("convention", ""),
        "provenance": list(_provenance(record)),
        "next": next_commands(record),
        "version": __version__,
    }


def _picture(record: StudyRecord, figure: ReportFigure, wide: bytes) -> dict[str, str]:
    return _pictured(figure.alt, wide, _png(figure.draw(record, style.NARROW)))


def _pictured(alt: str, wide: bytes, narrow: bytes) -> dict[str, str]:
    return {"alt": alt, "wide": _data_url(wide), "narrow": _data_url(narrow)}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with style.styled():
        figure.savefig(buffer, format="png", metadata=style.METADATA[".png"])
    return buffer.getvalue()


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _provenance(record: StudyRecord) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Study, proxy, machine and later runs, as tables of words."""
    machine = record.told("machine")
    tables = {
        "The study": {"study": record.name, **record.config.model_dump()},
        "The proxy": {k: v for k, v in record.told("proxy").items() if k != "report_card"},
        "Seconds by step": {step: format_seconds(took) for step, took in record.seconds_by_step.items()},
        "The machine": {"revision": "not recorded", **machine} if machine else {},
    }
    for number, run in enumerate(record.resolved.get("resumed") or [], start=1):
        later = run.get("machine") or {}
        tables[f"Gone on with, {number}"] = {
            "command": run.get("command"), "sampler": run.get("sampler"), "host": later.get("host"),
            "date": later.get("date"), "revision": later.get("revision"),
        }  # fmt: skip
    for name, values in tables.items():
        rows = [(key.replace("_", " "), str(value)) for key, value in values.items() if value not in (None, "")]
        if rows:
            yield name, rows

"""The page: a report as one HTML file that needs nothing else, neither network nor files beside it."""

import base64
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape
from matplotlib.figure import Figure

from vitspace import __version__
from vitspace.report import style
from vitspace.report.figures import FIGURES
from vitspace.report.importance import axis_importance
from vitspace.report.page import sections
from vitspace.report.tables import anchors_table, calibration
from vitspace.report.trust import proxy_name, report_card
from vitspace.report.words import headline, next_commands, proxy_sentence
from vitspace.study.record import StudyRecord

_FOLDER = Path(__file__).parent
_VIEWS = ("score_flops", "score_latency", "latency_flops")


def page_html(record: StudyRecord, wide: dict[str, bytes]) -> str:
    """Return the page.

    Args:
        record: The study as stored.
        wide: The PNG of every one of `FIGURES`; those for narrow screens are drawn here.
    """
    environment = Environment(loader=FileSystemLoader(_FOLDER), autoescape=True, undefined=StrictUndefined)
    environment.filters["code"] = lambda text: Markup(re.sub("`(.+?)`", r"<code>\1</code>", str(escape(text))))
    assets = {kind: Markup((_FOLDER / f"page.{kind}").read_text(encoding="utf-8")) for kind in ("css", "js")}
    return environment.get_template("page.html.j2").render(_content(record, wide) | assets)


def _content(record: StudyRecord, wide: dict[str, bytes]) -> dict[str, Any]:
    trials, filters = sections.trials_grid(record)
    pictures = {name: _picture(record, name, wide[name]) for name in FIGURES}
    return {
        "title": record.name,
        "headline": headline(record).removeprefix(f"{record.name}: "),
        "proxy": proxy_sentence(record),
        "facts": sections.facts(record),
        "lost": sections.lost_words(record),
        "views": [pictures[name] for name in _VIEWS],
        "hypervolume": pictures["hypervolume"],
        "cards": sections.cards(record),
        "chosen_note": sections.chosen_note(record),
        "front": sections.front_grid(record),
        "noise": sections.noise_words(record),
        "published": sections.grid(anchors_table(record)),
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


def _picture(record: StudyRecord, name: str, wide: bytes) -> dict[str, str]:
    figure = FIGURES[name]
    narrow = _png(figure.draw(record, style.NARROW))
    return {"alt": figure.alt, "wide": _data_url(wide), "narrow": _data_url(narrow)}


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with style.styled():
        figure.savefig(buffer, format="png", metadata=style.METADATA[".png"])
    return buffer.getvalue()


def _data_url(png: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def _provenance(record: StudyRecord) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """Study, proxy, machine and later runs, as tables of words."""
    machine = record.resolved.get("machine") or {}
    tables = {
        "The study": {"study": record.name, **record.config.model_dump()},
        "The proxy": {k: v for k, v in (record.resolved.get("proxy") or {}).items() if k != "report_card"},
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

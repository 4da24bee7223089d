"""Reports: what a stored study says, as tables, figures and text. Nothing here runs or changes a study.

Names are loaded when first asked for, so that reading a report's study needs no figures.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vitspace.folders import check_folder
    from vitspace.report.folder import write_comparison, write_report
    from vitspace.report.peers import peers_words
    from vitspace.report.study_file import read_study, report_folder, study_data
    from vitspace.report.tables import front_table, trials_table
    from vitspace.report.terminal import terminal_table
    from vitspace.report.words import headline, next_commands, proxy_sentence

_HOMES = {
    "check_folder": "vitspace.folders",
    "front_table": "vitspace.report.tables",
    "headline": "vitspace.report.words",
    "next_commands": "vitspace.report.words",
    "peers_words": "vitspace.report.peers",
    "proxy_sentence": "vitspace.report.words",
    "read_study": "vitspace.report.study_file",
    "report_folder": "vitspace.report.study_file",
    "study_data": "vitspace.report.study_file",
    "terminal_table": "vitspace.report.terminal",
    "trials_table": "vitspace.report.tables",
    "write_comparison": "vitspace.report.folder",
    "write_report": "vitspace.report.folder",
}

__all__ = [
    "check_folder",
    "front_table",
    "headline",
    "next_commands",
    "peers_words",
    "proxy_sentence",
    "read_study",
    "report_folder",
    "study_data",
    "terminal_table",
    "trials_table",
    "write_comparison",
    "write_report",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value

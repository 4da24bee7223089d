"""Reports: what a stored study says, as tables, figures and text. Nothing here runs or changes a study."""

from vitspace.files import check_folder
from vitspace.report.folder import report_folder, write_comparison, write_report
from vitspace.report.study_file import read_study, study_data
from vitspace.report.tables import front_table, trials_table
from vitspace.report.terminal import terminal_table
from vitspace.report.words import headline, next_commands, proxy_sentence

__all__ = [
    "check_folder",
    "front_table",
    "headline",
    "next_commands",
    "proxy_sentence",
    "read_study",
    "report_folder",
    "study_data",
    "terminal_table",
    "trials_table",
    "write_comparison",
    "write_report",
]

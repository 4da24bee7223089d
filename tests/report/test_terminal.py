from rich.console import Console

from vitspace.report import terminal_table


def test_the_front_fits_80_columns_without_cutting_numbers(record, capsys):
    Console(width=80).print(terminal_table(record))
    out = capsys.readouterr().out
    assert "…" not in out
    for trial in record.front:
        assert f"{trial.score:.3f}" in out and f"{trial.latency_ms:.1f}" in out

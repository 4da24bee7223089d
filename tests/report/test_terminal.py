from dataclasses import replace

from rich.console import Console

from vitspace.report.terminal import terminal_table


def test_the_front_fits_80_columns_without_cutting_numbers(record, capsys):
    Console(width=80).print(terminal_table(record))
    out = capsys.readouterr().out
    assert "…" not in out
    for trial in record.front:
        assert f"{trial.score:.3f}" in out and f"{trial.latency_ms:.1f}" in out


def test_long_names_of_anchors_take_no_number_away(record, capsys):
    anchor = replace(record.trials[0], anchor="partialformer_b0", latency_ms=1329.2, number=123)
    Console(width=80).print(terminal_table(replace(record, trials=[anchor, *record.trials[1:]])))
    out = capsys.readouterr().out
    assert "…" not in out and "123" in out and "PartialFormer-B0 ★" in out and "1329.2" in out


def test_estimates_fit_80_columns(points, capsys):
    Console(width=80).print(terminal_table(points))
    out = capsys.readouterr().out
    assert "…" not in out and "82.0 ± 0.9" in out and max(map(len, out.splitlines())) <= 80


def test_milliseconds_are_told_to_be_at_one_speed(record):
    assert "takes" not in terminal_table(record).caption
    trials = [replace(trial, latency=trial.latency | {"usual_ms": 50.5}) for trial in record.trials]
    assert "ms: where resnet18 takes 50.5 ms" in terminal_table(replace(record, trials=trials)).caption

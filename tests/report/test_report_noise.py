"""The noise that a report compares scores with."""

from dataclasses import replace

import pytest

from vitspace.report import noise as module
from vitspace.report.noise import REPEATABILITY, noise, noise_limit
from vitspace.report.tables import calibration


def carded(monkeypatch, **card):
    for name in ("vitspace.report.noise", "vitspace.report.trust"):
        monkeypatch.setattr(f"{name}.committed_card", lambda proxy: card if proxy == "train" else None)


def test_without_a_report_card_two_seeds_of_one_design_must_do(record):
    assert noise(record) == 0.01
    notes = dict(zip(*calibration(record)[["quantity", "note"]].to_numpy().T, strict=True))
    assert "of MSG-T over 2 seeds" in notes["noise between seeds"]
    assert "three further pairs of seeds in ten differ by more" in notes["smallest difference that counts"]


def test_many_designs_of_a_report_card_know_the_noise_better(record, monkeypatch):
    carded(monkeypatch, seed_noise=0.11, seed_designs=22)
    assert noise(record) == 0.11 and noise_limit(record) == pytest.approx(REPEATABILITY * 0.11)
    notes = dict(zip(*calibration(record)[["quantity", "note"]].to_numpy().T, strict=True))
    assert "of 22 published designs" in notes["noise between seeds"]
    assert "rough" not in notes["smallest difference that counts"]


def test_few_designs_of_a_report_card_do_not(record, monkeypatch):
    carded(monkeypatch, seed_noise=0.11, seed_designs=module.ENOUGH - 1)
    assert noise(record) == 0.01
    assert noise(replace(record, reference={})) is None

import subprocess
import sys
from dataclasses import replace

import pytest

from vitspace.anchors import all_anchors, anchor
from vitspace.anchors.counted import FILE, counted, made_of, write
from vitspace.anchors.counting import count, published_rows
from vitspace.anchors.published import kept_rows

DESIGNS = [row for row in all_anchors().values() if row.parts]
CURE = "python -m vitspace.anchors.counting writes it anew"


def test_what_is_kept_is_what_is_counted():
    assert {row.id: counted(row) for row in DESIGNS} == {row.id: count(row) for row in DESIGNS}, CURE


def test_the_file_is_as_the_command_writes_it(tmp_path):
    write([(row, count(row)) for row in DESIGNS], tmp_path / FILE.name)
    assert (tmp_path / FILE.name).read_text() == FILE.read_text(), CURE


@pytest.mark.parametrize("change", [{"parts": {"stage": {"dim": 8}}}, {"resolution": 256}, {"family": "mat"}])
def test_another_design_is_not_read(change):
    row = anchor("msg_tiny")
    assert counted(replace(row, **change)) is None and made_of(replace(row, **change)) != made_of(row)


def test_rows_that_are_not_kept_are_counted(monkeypatch):
    monkeypatch.setattr("vitspace.anchors.counted._kept", dict)
    assert kept_rows("mat") is None and kept_rows("peer") == kept_rows(role="peer")


def test_the_command_loads_no_torch():
    code = "import sys\nfrom vitspace.cli import app\napp(['anchors'], standalone_mode=False)\n"
    code += "assert not {'torch', 'timm'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_an_anchors_status_is_that_of_the_table():
    rows = published_rows()
    assert {row["id"]: row["status"] for row in rows} == {row.id: row.status for row in all_anchors().values()}
    assert {row["status"] for row in rows} == {"reproduced", "unreproduced", "not-applicable"}


def test_a_status_that_is_not_kept_is_counted(monkeypatch):
    monkeypatch.setattr("vitspace.anchors.counted._kept", dict)
    assert replace(anchor("msg_tiny")).status == "reproduced"


def test_a_status_needs_no_torch_where_it_is_kept():
    code = "import sys, vitspace; print(vitspace.anchor('resnet18').status); assert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "not-applicable\n"

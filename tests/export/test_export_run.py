import logging

import pytest

from vitspace.design import find_design
from vitspace.errors import InputError
from vitspace.export import ExportRequest, export_design


def test_a_request_becomes_a_folder(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    request = ExportRequest(find_design("mat_1"), ["spec"], img_size=64, out=tmp_path / "out", command="my call")
    record = export_design(request)
    assert (record["name"], record["img_size"], record["command"]) == ("mat_1", 64, "my call")
    assert (tmp_path / "out" / "spec.json").is_file() and "exporting mat_1 as spec" in caplog.text


def test_a_format_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match="tflite"):
        export_design(ExportRequest(find_design("mat_1"), ["tflite"], out=tmp_path / "out"))

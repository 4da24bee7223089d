"""The process that NNI starts for a trial, without NNI."""

import os
import socket
import subprocess
import sys

import pytest

from vitspace.searching.engines import _nni_trial


@pytest.mark.parametrize(("answer", "code"), [(_nni_trial.DONE, 0), (b"", 1)])
def test_a_trial_hands_itself_to_a_worker_and_fails_where_that_is_killed(tmp_path, answer, code):
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(tmp_path / "workers"))
        door.listen()
        trial = subprocess.Popen(
            [sys.executable, "-I", _nni_trial.__file__, "workers"],
            cwd=tmp_path,
            env=os.environ | {"NNI_TRIAL_COMMAND_CHANNEL": "http://localhost:1/x", "NNI_TRIAL_JOB_ID": "abc"},
        )
        worker, _ = door.accept()
        with worker, worker.makefile() as lines:
            assert [lines.readline(), lines.readline()] == ["http://localhost:1/x\n", "abc\n"]
            worker.sendall(answer)
    assert trial.wait(30) == code

"""The NNI engine, on real processes."""

import importlib.util
import re
import urllib.request

import pytest

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("nni") is None, reason="engine 'nni' needs: pip install 'vitspace[nni]'"
)

TINY = """
family: msg
axes:
  dim: {values: [16, 32], scale: [1, 2, 4, 8]}
  depth: [1]
  head_dim: [16]
  mlp_ratio: [1, 2]
"""


@pytest.mark.slow
def test_a_finite_space_is_used_up_while_the_portal_answers(tool):
    (tool.cwd / "small.yaml").write_text(TINY)
    search = tool.search("--engine", "nni", "--workers", 2, trials=9)
    portal = tool.wait_for(lambda: re.search(r"NNI's portal: (http://\S+)", search.log.read_text()))[1]
    with urllib.request.urlopen(f"{portal}/api/v1/nni/check-status", timeout=10) as answer:
        assert answer.status == 200 and b"status" in answer.read()
    data, error = tool.end(search, timeout=200)
    assert "NNI has no more designs to propose" in error
    assert {t["state"] for t in data["trials"]} == {"complete"} and len(data["trials"]) == 4

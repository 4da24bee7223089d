import pytest

from vitspace import searching
from vitspace.errors import InputError
from vitspace.searching import Place, search


def test_a_proxy_is_refused_before_the_space_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(searching, "_check_trials", lambda space, config: pytest.fail("the space was counted"))
    settings = {"space": "mat", "budget": "1G", "data": "digits", "proxy": "train:tiny,steps=5"}
    with pytest.raises(InputError, match="warmup is below steps"):
        search(settings, Place(str(tmp_path / "studies.journal")))
    assert list(tmp_path.iterdir()) == []

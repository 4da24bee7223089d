import pytest

from vitspace.errors import InputError
from vitspace.study.naming import check_new


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a[/b]", "", ".hidden", "a b"])
def test_a_name_that_is_no_folder_name_is_refused(tmp_path, name):
    with pytest.raises(InputError, match="a study's name is of letters, digits"):
        check_new(str(tmp_path / "s.journal"), name)


def test_a_name_is_short_enough_for_a_file(tmp_path):
    with pytest.raises(InputError, match="of at most 200 bytes, but got 201"):
        check_new(str(tmp_path / "s.journal"), "n" * 201)

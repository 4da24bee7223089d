from vitspace.cli.options import DEFAULT_STORAGE
from vitspace.study import storage


def test_commands_and_the_library_have_one_default_storage():
    assert DEFAULT_STORAGE == storage.DEFAULT_STORAGE

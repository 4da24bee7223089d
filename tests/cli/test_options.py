import inspect

import pytest

from vitspace.cli import app, options
from vitspace.study import storage

COMMANDS = [
    *app.registered_commands,
    *(command for group in app.registered_groups for command in group.typer_instance.registered_commands),
]


def test_commands_and_the_library_have_one_default_storage():
    assert options.DEFAULT_STORAGE == storage.DEFAULT_STORAGE


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.callback.__name__)
def test_what_several_commands_take_are_the_shared_options(command):
    declared = {name: each.default for name, each in inspect.signature(command.callback).parameters.items()}
    optional = {name: each for name, each in declared.items() if getattr(each, "default", None) is None}
    assert optional.get("budget", options.BUDGET) is options.BUDGET
    assert optional.get("params", options.PARAMS) is options.PARAMS
    assert declared.get("storage", options.STORAGE) is options.STORAGE
    assert declared.get("as_json", options.JSON) in (options.JSON, options.JSON_ALONE)

import inspect
from typing import Literal

import optuna
import pytest
from inside import vitspace

from vitspace.cli import app, options
from vitspace.files import write_secret
from vitspace.latency import BACKENDS
from vitspace.study import storage
from vitspace.study.config import StudyConfig

COMMANDS = [
    *app.registered_commands,
    *(command for group in app.registered_groups for command in group.typer_instance.registered_commands),
]


def test_commands_name_the_backends_that_there_are():
    assert ", ".join(BACKENDS) == options.BACKENDS
    assert StudyConfig.model_fields["latency_backend"].annotation == Literal[tuple(BACKENDS)]


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


@pytest.mark.parametrize("how", ["file", "environment"])
def test_a_storage_with_a_password_need_not_stand_on_the_command_line(tmp_path, monkeypatch, how):
    optuna.create_study(storage=storage.open_storage(str(tmp_path / "s.journal")), study_name="theirs")
    if how == "file":
        write_secret(tmp_path / "url", f"{tmp_path}/s.journal\n")
        assert (tmp_path / "url").stat().st_mode & 0o777 == 0o600
        given = ["--storage", "@url"]
    else:
        monkeypatch.setenv("VITSPACE_STORAGE", f"{tmp_path}/s.journal")
        given = []
    done = vitspace("studies", "list", *given, cwd=tmp_path)
    assert "'theirs'" in done.stderr


def test_a_file_that_holds_no_storage_is_one_error(tmp_path):
    done = vitspace("studies", "list", "--storage", "@nothing", cwd=tmp_path, check=2)
    assert "a storage @FILE is a file that holds its URL, but got '@nothing'" in done.stderr


def test_an_argument_that_is_not_utf8_is_one_error(tmp_path):
    done = vitspace("studies", "list", "--storage", "caf\udce9.journal", cwd=tmp_path, check=2)
    assert done.stderr == "error: an argument is text in UTF-8, but got 'caf\\udce9.journal'\n"

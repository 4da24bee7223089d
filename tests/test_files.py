import contextlib
import json
import os
import random

import pytest
import yaml
from pydantic import BaseModel

from vitspace.errors import InputError, check_text, shown
from vitspace.files import parse_json, read_yaml, write_atomic, write_secret, write_with


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "new" / "a.txt"
    write_atomic(path, "whole")
    assert path.read_text() == "whole"

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_with(path, fail)
    assert path.read_text() == "whole"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


class Any(BaseModel):
    x: object = None


LAUGHS = "\n".join(["a0: &a0 [x]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)])
NO_YAML = [
    "x: &a [*a]",
    "x: &a {y: *a}",
    LAUGHS,
    "x: " + "[" * 3000 + "]" * 3000,
    "x: " + "{y: " * 60 + "1" + "}" * 60,
    "x: 2024-13-45",
    "x: 2024-02-30 25:61:61",
    "x: 0x_",
    'x: "\\ud800"',
    "x: 0b_",
    "x: !!bool x",
    "x: !!int x",
    "x: !!int ''",
    "x: !!float x",
    "x: !!timestamp x",
    "x: !!binary ä",
    "x: !!null {}",
    "x: !!python/object/apply:os.system [ls]",
    "x: !" + "t" * 5000 + " y",
    "? [1]\n: 2",
    "x: 1\nx: 2",
    "x: \0",
    "x: '\t",
    "%YAML 9.9\n---\nx: 1",
    "- 1",
    "",
    "x: 1\n---\ny: 2",
]


@pytest.mark.parametrize("text", ["x: [" + "1," * 30_000 + "[]]", "x: " + "1" * 1_100_000], ids=["values", "bytes"])
def test_yaml_that_is_large_is_refused_before_it_is_read_to_its_end(tmp_path, monkeypatch, text):
    composed = []
    compose = yaml.composer.Composer.compose_scalar_node
    monkeypatch.setattr(
        yaml.composer.Composer, "compose_scalar_node", lambda *args: composed.append(1) or compose(*args)
    )
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError, match=r"holds more than 20,000 values|has more than 1 MB"):
        read_yaml(tmp_path / "a.yaml", Any)
    assert len(composed) <= 20_000


@pytest.mark.parametrize("text", NO_YAML)
def test_yaml_that_is_none_or_beyond_reason_is_one_short_error(tmp_path, text):
    (tmp_path / "a.yaml").write_text(text)
    with pytest.raises(InputError) as raised:
        read_yaml(tmp_path / "a.yaml", Any)
    assert "a.yaml" in str(raised.value) and "\n" not in str(raised.value) and len(str(raised.value)) < 600


TAGS = ("null", "bool", "int", "float", "binary", "timestamp", "omap", "pairs", "set", "str", "seq", "map", "merge")
NODES = ("a", "''", "1", "~", "[]", "[a]", "[[a, b]]", "[{a: b}]", "{}", "{a: b}", "{<<: 1}")


@pytest.mark.parametrize("tag", TAGS)
def test_yaml_whose_tag_says_something_else_than_its_node_is_read_or_refused(tmp_path, tag):
    for node in NODES:
        for text in (f"x: !!{tag} {node}", f"!!{tag} {node}", f"? !!{tag} {node}\n: 1", f"x: {{<<: !!{tag} {node}}}"):
            (tmp_path / "a.yaml").write_text(text)
            with contextlib.suppress(InputError):
                read_yaml(tmp_path / "a.yaml", Any)


def test_a_value_in_an_error_is_short_whatever_it_is():
    deep = []
    for _ in range(10_000):
        deep = [deep]
    wide = {f"k{n}": list(range(1000)) for n in range(1000)}
    for value in (deep, wide, "x" * 10**6, 10**10_000, -(10**10_000), {"\ud800": b"x" * 10**6}, [[wide] * 50] * 50):
        assert len(shown(value)) <= 200
        shown(value).encode()
    for value in ("4X", 7, [1, "a"], {"a": None}, 0.1, True):
        assert shown(value) == repr(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[" * 100_000,
        "[" * 60 + "]" * 60,
        "9" * 5000,
        "NaN",
        "[-Infinity]",
        "1e999",
        r'"\ud800"',
        b"\xff",
        b'{"a": "\xe9"}',
    ],
)
def test_json_beyond_reason_is_refused_in_few_words(text):
    with pytest.raises(ValueError, match=r"line 1|nested|digits|finite|surrogates|codec") as raised:
        parse_json(text)
    assert len(str(raised.value)) < 300


def test_other_json_reads_back():
    draw = random.Random(0)
    for _ in range(200):
        data = {"a": [draw.uniform(-1e300, 1e300), draw.randrange(10**18), "ä\U0001f600\n", None, True, {"b": []}]}
        assert parse_json(json.dumps(data)) == data == parse_json(json.dumps(data, ensure_ascii=False).encode())


def test_what_is_not_unicode_is_refused_at_the_start_and_written_escaped(tmp_path):
    with pytest.raises(InputError, match=r"a name is text in UTF-8, but got 'caf\\udce9'"):
        check_text("caf\udce9", "a name")
    write_atomic(tmp_path / "a.txt", "caf\udce9 ä")
    assert (tmp_path / "a.txt").read_text() == "caf\\udce9 ä"


def test_a_secret_is_its_owner_s_alone(tmp_path):
    write_secret(tmp_path / "new" / "url", "postgresql://u:p@h/d")
    assert (tmp_path / "new" / "url").read_text() == "postgresql://u:p@h/d"
    assert (tmp_path / "new" / "url").stat().st_mode & 0o777 == 0o600


def test_a_pipe_is_no_yaml_file_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "x.yaml")
    with pytest.raises(InputError, match="cannot be read: it is no file"):
        read_yaml(tmp_path / "x.yaml", Any)

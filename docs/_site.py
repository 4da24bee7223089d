"""Hooks of the documentation: what is made from the code when the site is built, so that it cannot go stale.

A line ``<!-- made: NAME ARGUMENTS -->`` in a page is replaced by what the function of that name below returns. The
committed reports become pages, beside the pages under ``docs/``.
"""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).resolve().parents[1]
#: What of the reports is shown or linked to.
SHOWN = {".md", ".png", ".csv", ".json", ".html"}
_MADE = re.compile(r"^<!-- made: (\w+) ?(.*?) -->$", re.MULTILINE)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the committed reports."""
    for path in sorted((ROOT / "reports").rglob("*")):
        if path.suffix in SHOWN:
            files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Fill in what is made from the code; links between docs and reports are written as they hold in the repository."""
    up = "../" * page.file.src_uri.count("/")
    if page.file.src_uri.startswith("reports/"):
        markdown = markdown.replace(f"]({up}docs/", f"]({up}")
    else:
        markdown = markdown.replace(f"](../{up}reports/", f"]({up}reports/")
    return _MADE.sub(lambda match: MAKERS[match[1]](*match[2].split()), markdown)


def commands() -> str:
    """Return every command with its arguments and options, as `--help` has them."""
    import typer

    from vitspace.cli import app

    return "\n".join(_command("vitspace", typer.main.get_command(app)))


def _command(name: str, command: Any) -> Iterator[str]:
    members = getattr(command, "commands", {})
    if name != "vitspace":
        yield from (f"{'#' * min(3, len(name.split()))} {name}", "", command.help or "", "")
    if not members:
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        usage = " ".join(_usage(argument) for argument in arguments)
        yield from ("```text", f"{name} [OPTIONS] {usage}".strip(), "```", "")
        yield from _table(("argument or option", "meaning", "default"), [_parameter(p) for p in command.params])
    for member in sorted(members):
        yield from _command(f"{name} {member}", members[member])


def _usage(argument: Any) -> str:
    name = argument.name.upper() + ("..." if argument.nargs == -1 else "")
    return name if argument.required else f"[{name}]"


def _parameter(parameter: Any) -> tuple[str, str, str]:
    names = ", ".join(parameter.opts) if parameter.param_type_name == "option" else _usage(parameter)
    text, _, default = (getattr(parameter, "help", "") or "").partition(" (default: ")
    value = default.removesuffix(")") if default else parameter.default
    if getattr(parameter, "is_flag", False) or value in (None, [], ()) or callable(value):
        value = "required" if parameter.required else ""
    shown = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"`{names}`", text, f"`{shown}`" if shown and shown != "required" else shown


def anchors(family: str) -> str:
    """Return a family's published rows beside what our networks cost."""
    from vitspace.anchors.counting import published_rows

    rows = [row for role in ("anchor", "ablation") for row in published_rows(family, role)]
    header = ("row", "params, M", "paper", "FLOPs, G", "paper", "top-1, paper", "status")
    notes = [f"- `{row['id']}`: {row['why'] or row['caveat']}" for row in rows if row["why"] or row["caveat"]]
    return "\n".join([*_table(header, [_row(row) for row in rows]), *notes])


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    printed = row["published"]
    name = f"**`{row['id']}`**" if row["role"] == "anchor" else f"`{row['id']}`"
    return (
        name,
        "" if row["params"] is None else f"{row['params'] / 1e6:.3f}",
        _number(printed["params_m"]),
        "" if row["macs"] is None else f"{row['macs'] / 1e9:.3f}",
        _number(printed["gflops"]),
        _number(printed["top1"]),
        row["status"],
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def axes(name: str) -> str:
    """Return a space's axes: their values, where they apply, and the rules."""
    from vitspace.space import load_space
    from vitspace.space.tables import axis_rows

    space = load_space(name)
    rows = []
    for row in axis_rows(space):
        lists = [", ".join(map(str, values)) if values else "-" for values in row["values"]]
        staged = (f"{stage}: {values}" for stage, values in enumerate(lists, start=1))
        shown = "<br>".join(staged) if len(set(lists)) > 1 else lists[0]
        rows.append((f"`{row['axis']}`", row["stages"], shown, row["when"]))
    rules = dict.fromkeys(str(rule) for family in space.families for rule in space.axes.rules[family])
    return "\n".join([*_table(("axis", "stages", "values", "when"), rows), *(f"- rule: `{rule}`" for rule in rules)])


def cuts(family: str) -> str:
    """Return which tensors of a family's stages designs share in another way than by their first elements."""
    from vitspace.spec import part_type

    rules = part_type("stage", family).cuts
    return "\n".join(_table(("tensor", "a design takes"), [(f"`{name}`", _cut(each)) for name, each in rules.items()]))


def _cut(rules: tuple[int | str, ...]) -> str:
    kept = {
        "square": "the nearest distances",
        "grid": "the top left of the region",
        "dense": "the blocks on the diagonal of one matrix",
    }
    numbers = [f"the first elements of each of {n} parts" for n in rules if isinstance(n, int) and n > 1]
    return " and ".join([*numbers, *(kept[rule] for rule in rules if isinstance(rule, str))])


def fields(model: str) -> str:
    """Return the keys of a file's pydantic model: type, default, and what the docstring says of each."""
    from importlib import import_module

    module, _, name = model.rpartition(".")
    cls = getattr(import_module(module), name)
    attributes = inspect.cleandoc(cls.__doc__).partition("Attributes:")[2]
    said = dict(re.findall(r"^ {4}(\w+): (.+(?:\n {8}.+)*)", attributes, re.MULTILINE))
    rows = []
    for key, field in cls.model_fields.items():
        default = "required" if field.is_required() else f"`{field.default}`" if field.default is not None else ""
        rows.append((f"`{key}`", " ".join(said[key].split()), default))
    return "\n".join(_table(("key", "meaning", "default"), rows))


def families() -> str:
    """Return the families, with the first line of what each module says of itself."""
    from importlib import import_module

    from vitspace.families import FAMILIES

    rows = []
    for family in FAMILIES:
        first = (import_module(f"vitspace.families.{family}").__doc__ or "").partition("\n")[0]
        name, _, text = first.partition(": ")
        rows.append((f"[{name}]({family}.md)", f"`{family}`", text))
    return "\n".join(_table(("family", "name", "idea"), rows))


def _table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    lines = [header, ("---",) * len(header), *rows]
    return [*("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines), ""]


MAKERS: dict[str, Callable[..., str]] = {f.__name__: f for f in (commands, anchors, axes, cuts, fields, families)}

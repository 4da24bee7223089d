"""The rules of a space file: arithmetic over a stage's fields."""

import ast
import math
from collections.abc import Mapping
from typing import Any

from vitspace.errors import InputError, shown

#: The most that a rule may hold: a number, an exponent, and characters.
MOST, MOST_POWER, _LONGEST = 10**9, 8, 500

FUNCTIONS = {"ceil": math.ceil, "min": min, "max": max}

_ALLOWED = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.IfExp, ast.Tuple),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UnaryOp, ast.USub),
    *(ast.BoolOp, ast.And, ast.Or, ast.Not),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
)


class Rule:
    """One rule, such as ``ceil(side / window) % region_size == 0``, that must hold in every stage.

    Names are the stage's fields, ``side`` (the shorter one of its map, at the size that the file is written for) and
    ``stage`` (from 1); the language is Python's arithmetic, comparisons, ``and or not in``, ``a if b else c``,
    ``ceil``, ``min`` and ``max``.
    ``where`` leads to it in its space file.

    Raises:
        InputError: the text is not such an expression.
    """

    def __init__(self, text: str, where: tuple[Any, ...] = ()) -> None:
        self.text, self.where = text, where
        try:
            if len(text) > _LONGEST:
                raise ValueError
            tree = ast.parse(text, mode="eval")
            nodes = list(ast.walk(tree))
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            known = f"an expression such as 'dim % 8 == 0', of at most {_LONGEST} characters"
            raise InputError(f"a rule is {known}, but got {shown(text)}") from None
        for node in nodes:
            if why := _fault(node):
                raise InputError(f"a rule {why}, but got {shown(text)}")
        self.names = {n.id for n in nodes if isinstance(n, ast.Name)} - FUNCTIONS.keys()
        self._code = compile(tree, "<rule>", "eval")

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the rule holds for one stage's values."""
        used = {name: values[name] for name in self.names}
        try:
            # Only the nodes and functions listed above can run, and no text is multiplied.
            words = {name: _Word(value) for name, value in used.items() if isinstance(value, str)}
            return bool(eval(self._code, {"__builtins__": {}, **FUNCTIONS}, used | words))
        except (ArithmeticError, TypeError, ValueError) as error:
            got = ", ".join(f"{name}={used[name]!r}" for name in sorted(used))
            of = f" for {got}" if got else ""
            why = f"a rule can be worked out for every design, but {self.text!r} fails{of}: {error}"
            raise InputError(why) from None

    def __str__(self) -> str:
        return self.text


class _Word(str):
    """A text to be compared, with which nothing is calculated."""

    __slots__ = ()

    def __mul__(self, _: Any) -> Any:
        raise TypeError("a text is compared, and not multiplied")

    __rmul__ = __add__ = __mod__ = __mul__


def _fault(node: ast.AST) -> str:
    """Say what is wrong with a part of a rule; an empty string where it may stand there."""
    if not isinstance(node, _ALLOWED):
        return f"has no {type(node).__name__}"
    if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
        return f"calls only {', '.join(FUNCTIONS)}"
    if isinstance(node, ast.Constant) and not _is_small(node.value, MOST):
        return f"holds numbers up to {MOST}, and texts"
    if isinstance(node, ast.BinOp):
        if any(isinstance(each, ast.Tuple) or _is_text(each) for each in (node.left, node.right)):
            return "calculates with numbers"
        power = isinstance(node.op, ast.Pow)
        if power and not (isinstance(node.right, ast.Constant) and _is_small(node.right.value, MOST_POWER)):
            return f"has powers with a number up to {MOST_POWER} alone"
        if power and any(isinstance(each, ast.BinOp) and isinstance(each.op, ast.Pow) for each in ast.walk(node.left)):
            return "has no powers of powers"
    return ""


def _is_small(value: Any, most: float) -> bool:
    return isinstance(value, str) or (isinstance(value, int | float) and abs(value) <= most)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)

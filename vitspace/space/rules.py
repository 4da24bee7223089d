"""The rules of a space file: arithmetic over a stage's fields."""

import ast
import math
from collections.abc import Mapping
from typing import Any

from vitspace.errors import InputError

FUNCTIONS = {"ceil": math.ceil, "min": min, "max": max}

_ALLOWED = (
    *(ast.Expression, ast.Name, ast.Load, ast.Constant, ast.Call, ast.IfExp, ast.Tuple),
    *(ast.BinOp, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod, ast.Pow, ast.UnaryOp, ast.USub),
    *(ast.BoolOp, ast.And, ast.Or, ast.Not),
    *(ast.Compare, ast.Eq, ast.NotEq, ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.In, ast.NotIn),
)


class Rule:
    """One rule, such as ``ceil(side / window) % region_size == 0``, that must hold in every stage.

    Names are the stage's fields, ``side`` (of its map at the design resolution) and ``stage`` (from 1); the language
    is Python's arithmetic, comparisons, ``and or not in``, ``a if b else c``, ``ceil``, ``min`` and ``max``.
    ``where`` leads to it in its space file.

    Raises:
        InputError: the text is not such an expression.
    """

    def __init__(self, text: str, where: tuple[Any, ...] = ()) -> None:
        self.text, self.where = text, where
        try:
            tree = ast.parse(text, mode="eval")
        except (SyntaxError, ValueError):
            raise InputError(f"a rule is an expression such as 'dim % 8 == 0', but got {text!r}") from None
        for node in ast.walk(tree):
            if not isinstance(node, _ALLOWED):
                raise InputError(f"a rule has no {type(node).__name__}, but got {text!r}")
            if isinstance(node, ast.Call) and not (isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS):
                raise InputError(f"a rule calls only {', '.join(FUNCTIONS)}, but got {text!r}")
        self.names = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name)} - FUNCTIONS.keys()
        self._code = compile(tree, "<rule>", "eval")

    def holds(self, values: Mapping[str, Any]) -> bool:
        """Whether the rule holds for one stage's values."""
        try:
            # Only the nodes and functions listed above can run.
            return bool(eval(self._code, {"__builtins__": {}, **FUNCTIONS}, dict(values)))
        except (ArithmeticError, TypeError, ValueError) as error:
            got = ", ".join(f"{name}={values[name]!r}" for name in sorted(self.names))
            raise InputError(
                f"a rule can be worked out for every design, but {self.text!r} fails for {got}: {error}"
            ) from None

    def __str__(self) -> str:
        return self.text

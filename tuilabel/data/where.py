"""Choice of the rows of a table by an expression, such as ``split == "train" and size in (1, 2)``.

It is parsed as Python, but never evaluated: only the parts below are understood.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Sequence

from tuilabel.errors import UsageError
from tuilabel.text import inert

LONGEST = 2000
_FORM = 'use a form such as `split == "train" and not size in (1, 2)`'

Test = Callable[[Sequence[str]], bool]
"""Returns whether a row, as the text of each cell, is chosen."""


def parse_where(text: str, columns: Sequence[str]) -> Test:
    """Return the test of an expression.

    A column is a name, or a string where its name is no word. It is compared by ``==``, ``!=``,
    ``in`` or ``not in`` with numbers and strings: with a string as text, with a number if the cell
    has one. ``and``, ``or``, ``not`` and parentheses join comparisons.

    Parameters
    ----------
    text : str
    columns : sequence of str

    Raises
    ------
    UsageError
        It is no such expression, or names a column that is not there.
    """
    shown = f"--where {inert(text)!r}"
    if len(text) > LONGEST:
        raise UsageError(f"{shown} is longer than {LONGEST:,} characters: shorten it.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the parser's, about odd strings
            tree = ast.parse(text.strip(), mode="eval").body
        return _test(tree, columns)
    except _UnknownColumnError as error:
        known = ", ".join(map(inert, columns[:20]))
        raise UsageError(
            f"{shown} names the column {inert(str(error))!r}, which is not among {known}: "
            "name another."
        ) from None
    # The parser raises any of these for odd or deeply nested text.
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        raise UsageError(f"{shown} is no comparison of columns: {_FORM}.") from None


class _UnknownColumnError(Exception):
    pass


def _test(node: ast.expr, columns: Sequence[str]) -> Test:
    match node:
        case ast.BoolOp(op=ast.And(), values=values):
            every = [_test(value, columns) for value in values]
            return lambda row: all(test(row) for test in every)
        case ast.BoolOp(op=ast.Or(), values=values):
            some = [_test(value, columns) for value in values]
            return lambda row: any(test(row) for test in some)
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _test(operand, columns)
            return lambda row: not inner(row)
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            column, is_equal = _column(left, columns), _equal(ast.literal_eval(right), op)
            is_positive = isinstance(op, ast.Eq | ast.In)
            return lambda row: is_equal(row[column]) == is_positive
    raise ValueError(ast.dump(node))


def _column(node: ast.expr, columns: Sequence[str]) -> int:
    match node:
        case ast.Name(id=name) | ast.Constant(value=str(name)):
            if name not in columns:
                raise _UnknownColumnError(name)
            return columns.index(name)
    raise ValueError(ast.dump(node))


def _equal(value: object, op: ast.cmpop) -> Callable[[str], bool]:
    """Return whether a cell is a value, or one of several."""
    if isinstance(op, ast.In | ast.NotIn) and isinstance(value, tuple | list):
        values = value
    elif isinstance(op, ast.Eq | ast.NotEq):
        values = [value]
    else:
        raise ValueError(op)
    if any(type(each) not in (str, int, float) for each in values):
        raise ValueError(values)
    texts = {each for each in values if isinstance(each, str)}
    numbers = {each for each in values if not isinstance(each, str)}
    return lambda cell: cell in texts or (bool(numbers) and _number(cell) in numbers)


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None

"""The formulas of docs/operations.md: numbers, names, + - * / and ceil, max, min, as Python writes them."""

import ast
import math
import operator
from collections.abc import Callable, Mapping

_OPERATORS: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}
_FUNCTIONS: Mapping[str, Callable[..., float]] = {"ceil": math.ceil, "max": max, "min": min}


def evaluated(formula: str, given: Mapping[str, float]) -> float:
    """Compute a formula.

    Raises:
        KeyError: It names what is not given, or does what no formula may.
    """
    return _value(ast.parse(formula, mode="eval").body, given)


def _value(node: ast.expr, given: Mapping[str, float]) -> float:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name):
            return given[name]
        case ast.BinOp(left=left, op=op, right=right):
            return _OPERATORS[type(op)](_value(left, given), _value(right, given))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _FUNCTIONS[name](*(_value(argument, given) for argument in arguments))
    raise KeyError(ast.unparse(node))

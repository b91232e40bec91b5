"""From what a caller gives to doubles, or to the reason why that can't be."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

import numbers
from typing import Any

import numpy as np

from perceptron_core.kernel.limits import NAME_BYTES
from perceptron_core.rejection import Rejection

NO_LABEL = cython.declare(cython.double, float("nan"))


def as_doubles(what: str, values: list[Any]) -> Any:
    """Return labels or weights as an (n,) array, None as NaN; numpy takes several times as long for a list.

    Raises
    ------
    ValueError
        One is no number.
    """
    i: cython.Py_ssize_t
    found = np.empty(len(values))
    out: cython.double[::1] = found
    for i in range(len(values)):
        value = values[i]
        out[i] = NO_LABEL if value is None else real(what, value)
    return found


@cython.ccall
@cython.exceptval(-1.0, check=True)
def real(what: object, value: object) -> cython.double:
    """Return a label or a weight as a double; raise ValueError where it is no number."""
    if type(value) is float or type(value) is int or type(value) is bool:
        return value
    try:
        return number(value)
    except TypeError:
        raise ValueError(f"{what} is {value!r}; a number was expected") from None


@cython.ccall
@cython.exceptval(-1.0, check=True)
def number(value: object) -> cython.double:
    """Return a number as a double; booleans and numpy's scalars are numbers, text and bytes are not."""
    if not isinstance(value, (numbers.Real, np.bool_)):
        raise TypeError
    return float(value)


def unusable(name: object, value: object, error: Exception) -> Rejection:
    """Return why a feature's value can't be used."""
    if isinstance(error, OverflowError):
        return Rejection("not_finite", f"feature {name!r:.80} is an integer beyond the range of a double")
    expected = "a number, a boolean, a text or null was expected"
    return Rejection("wrong_type", f"feature {name!r:.80} is of type {type(value).__name__}; {expected}")


def not_finite(name: object, x: float) -> Rejection:
    """Return why a feature's number can't be used."""
    return Rejection("not_finite", f"feature {name!r:.80} is {x!r}; a finite number was expected")


def unusable_name(name: object, text: object = None) -> Rejection | None:
    """Return why a feature can't go by its name, None where it can."""
    if text is None and isinstance(name, str) and name.isascii() and len(name) <= NAME_BYTES:
        return None
    if name != name:
        return Rejection("wrong_type", f"a feature is named {name!r}, which is not equal to itself")
    display = str(name) if text is None else f"{name}={text}"
    try:
        size = len(display.encode())
    except UnicodeEncodeError:
        return Rejection("wrong_type", f"feature {display!r:.80} has a name that UTF-8 can't write")
    if size > NAME_BYTES:
        return Rejection("too_large", f"feature name {display!r:.80}: over {NAME_BYTES} bytes of UTF-8")
    return None

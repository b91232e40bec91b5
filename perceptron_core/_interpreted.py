"""Stands in for the ``cython`` module where Cython is not installed and the kernel runs interpreted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

compiled = False


def cclass(thing: Any) -> Any:
    """Return ``thing`` as it is: the decorator only speaks to the compiler."""
    return thing


cfunc = ccall = inline = final = no_gc = cclass


def exceptval(value: Any = None, check: bool = True) -> Callable[[Any], Any]:
    """Return a decorator that only speaks to the compiler."""
    return cclass


def declare(kind: Any, value: Any = None, visibility: str = "private") -> Any:
    """Return ``value`` as it is: its type only speaks to the compiler."""
    return value


def cast(kind: Any, value: Any) -> Any:
    """Return ``value`` as it is: its type only speaks to the compiler."""
    return value


double = longlong = ulonglong = Py_ssize_t = None
"""Types that are named outside annotations."""

"""Stands in for the ``cython`` module where Cython is not installed and the kernel runs interpreted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

compiled = False


def cclass(thing: Any) -> Any:
    """Return ``thing`` as it is: the decorator only speaks to the compiler."""
    return thing


cfunc = ccall = cclass


def exceptval(check: bool = True) -> Callable[[Any], Any]:
    """Return a decorator that only speaks to the compiler."""
    return cclass

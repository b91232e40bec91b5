"""What a kind of thing has to say for itself, to be part of a state."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from typing import Any

Entries = list[tuple[Any, Any]]


class CannotKeep(TypeError):
    """A part of a state that can't be kept as plain data: ``path`` and ``class_name`` name it."""

    def __init__(self, path: str, class_name: str) -> None:
        super().__init__(f"{path or 'the pipeline itself'} is a {class_name}")
        self.path = path
        self.class_name = class_name


class Kind:
    """A leaf by default: all of it is in ``plain``; it is made anew from there."""

    name: str
    draws = False  # whether making other things can change it: a random generator

    def plain(self, thing: Any) -> Any:
        """Return what is kept besides the entries."""
        return None

    def make(self, plain: Any) -> Any:
        """Return a new thing to be filled; None where only the fresh object can give one."""
        return None

    def put(self, thing: Any, plain: Any) -> Any:
        """Put ``plain`` back, and return what stands there then."""
        return thing

    def entries(self, thing: Any) -> Iterable[tuple[Any, Any]] | None:
        """Return the keys and values to be walked; None for a leaf."""
        return None

    def beside(self, fresh: Any, key: Any) -> Any:
        """Return the counterpart of the value at ``key`` in a fresh thing; None where there is none."""
        return None

    def fill(self, thing: Any, entries: Entries) -> None:
        """Replace all entries."""


def name_of(thing: Any) -> str:
    """Return the name of a class, a function or the like, for comparing and for messages."""
    if isinstance(thing, functools.partial):
        return f"partial of {name_of(thing.func)}"
    named = thing if hasattr(thing, "__qualname__") else type(thing)
    module = getattr(named, "__module__", None)
    return f"{module}.{named.__qualname__}" if module else str(named.__qualname__)

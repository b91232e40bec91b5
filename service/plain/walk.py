"""What the ways out and in share: a fresh thing beside each, and a path to it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from service.plain.kind import Kind, name_of
from service.plain.kinds import kind_of


class Walk:
    """What both directions share: which fresh thing stands beside which."""

    def __init__(self) -> None:
        self.taken: dict[int, Any] = {}  # held, so that their ids stay their own

    def counterpart(self, kind: Kind, class_name: str, plain: Any, fresh: Any) -> Any:
        """Return the fresh thing of this make, each but once, or a new one; None where there can't be one."""
        fits = kind_of(fresh) is kind and name_of(type(fresh)) == class_name
        if fits and id(fresh) not in self.taken:
            self.taken[id(fresh)] = fresh
            return fresh
        return kind.make(plain)


def items_beside(things: Any, fresh: Any, path: str) -> Iterator[tuple[Any, Any, str]]:
    """Yield the items of a tuple, each with its counterpart and its path."""
    beside = fresh if type(fresh) is tuple else ()
    for index, item in enumerate(things):
        yield item, beside[index] if index < len(beside) else None, f"{path}[{index}]"


def path_below(kind: Kind, path: str, key: Any) -> str:
    """Return the path of an entry."""
    if kind.name == "object":
        return f"{path}.{key}" if path else str(key)
    return f"{path}[{key!r}]"

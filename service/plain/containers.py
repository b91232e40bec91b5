"""Things that hold other things: lists, dicts, sets, and objects with their attributes."""

from __future__ import annotations

import copyreg
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np

from service.plain.kind import CannotKeep, Entries, Kind

_BUILT_IN: Final = (dict, list, set, frozenset, tuple, deque, str, bytes, int, float, np.ndarray)


class _List(Kind):
    """A list, by index."""

    name = "list"

    def make(self, plain: Any) -> Any:
        return []

    def entries(self, thing: Any) -> Iterable[tuple[Any, Any]]:
        return enumerate(thing)

    def beside(self, fresh: Any, key: Any) -> Any:
        return fresh[key] if key < len(fresh) else None

    def fill(self, thing: Any, entries: Entries) -> None:
        thing.clear()
        thing.extend(value for _, value in entries)


class _Deque(_List):
    """A deque, which keeps its bound."""

    name = "deque"

    def plain(self, thing: Any) -> Any:
        return thing.maxlen

    def make(self, plain: Any) -> Any:
        return deque(maxlen=plain)


class _Set(Kind):
    """A set: keys without values."""

    name = "set"

    def make(self, plain: Any) -> Any:
        return set()

    def entries(self, thing: Any) -> Iterable[tuple[Any, Any]]:
        return ((item, None) for item in thing)

    def fill(self, thing: Any, entries: Entries) -> None:
        thing.clear()
        thing.update(key for key, _ in entries)


class _Dict(Kind):
    """A dict of an exact class; the order is kept."""

    def __init__(self, kind: type[dict[Any, Any]]) -> None:
        self._kind = kind
        self.name = kind.__name__

    def make(self, plain: Any) -> Any:
        return None if self._kind is defaultdict else self._kind()  # a factory is never stored

    def entries(self, thing: Any) -> Iterable[tuple[Any, Any]]:
        return thing.items()  # type: ignore[no-any-return]

    def beside(self, fresh: Any, key: Any) -> Any:
        if key in fresh:
            return fresh[key]
        factory = getattr(fresh, "default_factory", None)
        return factory() if factory else None

    def fill(self, thing: Any, entries: Entries) -> None:
        thing.clear()
        for key, value in entries:
            thing[key] = value


class _Vector(_Dict):
    """river's VectorDict: an ordered dict of doubles, compiled."""

    def __init__(self) -> None:
        super().__init__(dict)
        self.name = "vector"

    def plain(self, thing: Any) -> Any:
        _, (_, factory, mask, *_) = thing.__reduce__()
        if mask is not None:
            raise CannotKeep("a vector", "VectorDict with a mask")
        return factory is not None

    def make(self, plain: Any) -> Any:
        if plain:
            return None  # a factory is never stored
        from river.utils import VectorDict  # a second's import, only for those who have one

        return VectorDict()

    def beside(self, fresh: Any, key: Any) -> Any:
        return None

    def fill(self, thing: Any, entries: Entries) -> None:
        thing.clear()
        thing.update(dict(entries))


class _Object(Kind):
    """An object of a class that the fresh one has too: its attributes, in order."""

    name = "object"

    def entries(self, thing: Any) -> Iterable[tuple[Any, Any]]:
        return _attributes(thing)

    def beside(self, fresh: Any, key: Any) -> Any:
        if key in _slots(fresh):
            return getattr(fresh, key, None)
        return getattr(fresh, "__dict__", {}).get(key)

    def fill(self, thing: Any, entries: Entries) -> None:
        slots = _slots(thing)
        getattr(thing, "__dict__", {}).clear()
        for name, value in entries:
            if name in slots:
                setattr(thing, name, value)
            else:
                thing.__dict__[name] = value


def _slots(thing: Any) -> list[str]:
    return copyreg._slotnames(type(thing))  # type: ignore[attr-defined, no-any-return]


def _attributes(thing: Any) -> Iterator[tuple[str, Any]]:
    yield from getattr(thing, "__dict__", {}).items()
    for name in _slots(thing):
        if hasattr(thing, name):
            yield name, getattr(thing, name)


CONTAINERS: Final[dict[type, Kind]] = {
    list: _List(),
    deque: _Deque(),
    set: _Set(),
    **{kind: _Dict(kind) for kind in (dict, OrderedDict, Counter, defaultdict)},
}
"""By exact type: a class derived from one may hold more than its entries."""
VECTOR: Final[Kind] = _Vector()
OBJECT: Final[Kind] = _Object()


def has_attributes(thing: Any) -> bool:
    """Whether a thing is an object whose attributes are all there is to it."""
    return (hasattr(thing, "__dict__") or bool(_slots(thing))) and not isinstance(thing, _BUILT_IN)

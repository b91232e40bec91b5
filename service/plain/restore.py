"""The way in: a dumped state, laid over a fresh object."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from service.plain.kind import CannotKeep, Entries, Kind, name_of
from service.plain.kinds import KINDS
from service.plain.leaves import number_type
from service.plain.walk import Walk, items_beside, path_below

_decode = msgspec.msgpack.decode


def restore(parts: Mapping[str, bytes], fresh: Any) -> Any:
    """Lay a dumped state over a fresh object, and return that.

    Raises
    ------
    ValueError
        The state is not of an object of this make; ``fresh`` is spoilt.
    """
    try:
        return _Restorer(parts).run(fresh)
    except (LookupError, TypeError, AttributeError, msgspec.MsgspecError) as error:
        raise ValueError(f"the state does not fit: {type(error).__name__}: {error}") from None


class _Restorer(Walk):
    def __init__(self, parts: Mapping[str, bytes]) -> None:
        super().__init__()
        self._parts = parts
        self._by_path: dict[str, Any] = {}
        self._generators: list[tuple[Kind, Any, Any]] = []

    def run(self, fresh: Any) -> Any:
        thing = self._value(_decode(self._parts[""]), fresh, "")
        for kind, generator, plain in self._generators:  # last: default factories may have drawn from them
            kind.put(generator, plain)
        return thing

    def _value(self, stored: Any, fresh: Any, path: str) -> Any:
        if not isinstance(stored, list):
            return stored
        match stored:
            case ["int", str(digits)]:
                return int(digits)
            case ["number", code, data]:
                return np.frombuffer(data, dtype=number_type(code))[0]
            case ["tuple", items]:
                return tuple(self._value(*of) for of in items_beside(items, fresh, path))
            case ["frozenset", items]:
                return frozenset(self._value(item, None, path) for item in items)
            case ["again", first]:
                return self._by_path[first]
            case ["fixed", name] if name == name_of(fresh):
                return fresh
            case [kind, class_name, plain, runs] if kind in KINDS:
                return self._mutable(KINDS[kind], class_name, plain, runs, fresh, path)
        raise ValueError(f"{path or 'the whole'}: {stored!r:.80} has no place here")

    def _mutable(self, kind: Kind, class_name: str, plain: Any, runs: Any, fresh: Any, path: str) -> Any:
        thing = self.counterpart(kind, class_name, plain, fresh)
        if thing is None:
            raise CannotKeep(path, class_name)
        if kind.draws:
            self._generators.append((kind, thing, _decode(self._parts[plain])))
        else:
            thing = kind.put(thing, plain)
        self._by_path[path] = thing
        kind.fill(thing, self._entries(kind, thing, runs, path))
        return thing

    def _entries(self, kind: Kind, thing: Any, runs: list[Any], path: str) -> Entries:
        entries = []
        for run in runs:
            for stored_key, stored in _decode(self._parts[run]) if isinstance(run, str) else run:
                key = self._value(stored_key, None, path)
                beside = kind.beside(thing, key) if isinstance(stored, list) else None
                entries.append((key, self._value(stored, beside, path_below(kind, path, key))))
        return entries

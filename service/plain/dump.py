"""The way out: an object's state as parts of bytes."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec
import numpy as np

from service.plain.kind import CannotKeep, Kind, name_of
from service.plain.kinds import PLAIN, is_fixed, kind_of
from service.plain.walk import Walk, items_beside, path_below

RUN: Final = 256
"""Entries of a container that stand together."""
INLINE_BYTES: Final = 4096
"""A longer run becomes a part of its own."""
GIVEN: Final = "#generator"
MADE: Final = "#new generator"
"""Ends of the keys of random generators' states: the fresh object's own, and those made while learning."""

_encode = msgspec.msgpack.encode


@dataclass
class State:
    """What was dumped: ``parts`` by key, and the paths where a number is not finite that began so."""

    parts: dict[str, bytes] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)

    def hash(self) -> str:
        """Return a fingerprint: 32 hex digits.

        Generators that were made while learning take no part: many a class has one that it never uses, and
        does not let it be seeded. Where one is used, the rest of the state tells.
        """
        digest = hashlib.blake2b(digest_size=16)
        for key, part in sorted(self.parts.items()):
            if not key.endswith(MADE):
                name = key.encode()
                digest.update(b"%d,%d:%b%b" % (len(name), len(part), name, part))
        return digest.hexdigest()


def dump(thing: Any, fresh: Any) -> State:
    """Return the state of an object.

    Raises
    ------
    CannotKeep
        Something in it has no counterpart in ``fresh``: it has to be kept in another way.
    """
    return _Dumper(must_fit=True).run(thing, fresh)


def outline(thing: Any, fresh: Any) -> State:
    """Return the state of any object at all, to compare it; it can't be restored."""
    return _Dumper(must_fit=False).run(thing, fresh)


class _Dumper(Walk):
    def __init__(self, must_fit: bool) -> None:
        super().__init__()
        self._must_fit = must_fit
        self._paths: dict[int, str] = {}
        self._held: list[Any] = []
        self._made = 0  # how deep in what a default factory made
        self._state = State()

    def run(self, thing: Any, fresh: Any) -> State:
        self._state.parts[""] = _encode(self._value(thing, fresh, ""))
        return self._state

    def _value(self, thing: Any, fresh: Any, path: str) -> Any:
        kind = type(thing)
        if kind is float and not math.isfinite(thing) and self._is_broken(thing, fresh):
            self._state.broken.add(path)
        if kind in PLAIN:
            return ["int", str(thing)] if kind is int and not -(2**63) <= thing < 2**64 else thing
        if isinstance(thing, np.generic) and not thing.dtype.hasobject:
            return ["number", thing.dtype.str, thing.tobytes()]
        if kind is tuple:
            return ["tuple", [self._value(*of) for of in items_beside(thing, fresh, path)]]
        if kind is frozenset:
            return ["frozenset", sorted((self._key(item, path) for item in thing), key=_encode)]
        if id(thing) in self._paths:
            return ["again", self._paths[id(thing)]]
        if is_fixed(thing) or (thing is fresh and kind_of(thing) is None):
            return self._fixed(thing, fresh, path)
        self._paths[id(thing)] = path
        return self._mutable(thing, fresh, path)

    def _is_broken(self, number: float, fresh: Any) -> bool:
        """Whether a number that is not finite did not begin so; an unknown kind may begin at infinity."""
        return repr(number) != repr(fresh) and (self._must_fit or math.isnan(number))

    def _fixed(self, thing: Any, fresh: Any, path: str) -> Any:
        if self._must_fit and (type(fresh) is not type(thing) or name_of(fresh) != name_of(thing)):
            raise CannotKeep(path, f"{type(thing).__name__} {name_of(thing)}")
        return ["fixed", name_of(thing)]

    def _mutable(self, thing: Any, fresh: Any, path: str) -> Any:
        kind, class_name = kind_of(thing), name_of(type(thing))
        if kind is None:
            return self._reduced(thing, path)
        try:
            plain = kind.plain(thing)
        except CannotKeep as error:
            raise CannotKeep(path, error.class_name) from None
        fresh = self.counterpart(kind, class_name, plain, fresh)
        if fresh is None and self._must_fit:
            raise CannotKeep(path, class_name)
        if kind.draws:
            plain = self._generator(plain, fresh, path)
        if kind.name == "array" and thing.dtype.kind in "fc" and not np.isfinite(thing).all():
            self._state.broken.add(path)
        return [kind.name, class_name, plain, self._runs(self._entries(kind, thing, fresh, path), path)]

    def _entries(self, kind: Kind, thing: Any, fresh: Any, path: str) -> list[list[Any]]:
        entries = []
        for key, value in kind.entries(thing) or ():
            is_plain = type(value) in PLAIN and not (type(value) is float and not math.isfinite(value))
            beside = None if is_plain or fresh is None else kind.beside(fresh, key)
            is_made = kind.name == "defaultdict" and fresh is not None and key not in fresh
            self._made += is_made
            entries.append([self._key(key, path), self._value(value, beside, path_below(kind, path, key))])
            self._made -= is_made
        return sorted(entries, key=_encode) if kind.name == "set" else entries

    def _generator(self, plain: Any, fresh: Any, path: str) -> str:
        """Make the state of a random generator a part of its own, and return the part's key."""
        key = f"{path}{MADE if self._made or id(fresh) not in self.taken else GIVEN}"
        self._state.parts[key] = _encode(plain)
        return key

    def _key(self, key: Any, path: str) -> Any:
        if isinstance(key, (*PLAIN, tuple, frozenset, np.generic)) or self._is_name(key):
            return self._value(key, None, f"{path} key {key!r}")
        raise CannotKeep(f"{path} key {key!r:.60}", name_of(type(key)))

    def _is_name(self, key: Any) -> bool:
        """Whether a key is a class or the like, which can be outlined, but not restored."""
        return is_fixed(key) and not self._must_fit

    def _runs(self, entries: list[list[Any]], path: str) -> list[Any]:
        """Return the entries in runs: each as it stands, or the key of the part that holds it."""
        runs: list[Any] = []
        for start in range(0, len(entries), RUN):
            encoded = _encode(entries[start : start + RUN])
            if len(encoded) > INLINE_BYTES:
                key = f"{path}#{start // RUN}"
                self._state.parts[key] = encoded
                runs.append(key)
            else:
                runs.append(msgspec.Raw(encoded))
        return runs

    def _reduced(self, thing: Any, path: str) -> Any:
        """Outline an object of an unknown kind by what pickle would take of it."""
        if self._must_fit:
            raise CannotKeep(path, name_of(type(thing)))
        reduced = thing.__reduce_ex__(4)
        plain = [list(part) if isinstance(part, Iterator) else part for part in reduced]
        self._held.append((reduced, plain))
        return ["reduced", name_of(type(thing)), self._value(plain, None, path)]

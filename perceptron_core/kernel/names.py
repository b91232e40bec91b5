"""The features that a model knows: each by its identity, in order of their rows.

An identity is spelled as MessagePack does: an array of a name, or of a name and a text. So it takes no object
of its own, and those of a block lie side by side, as they are digested. It is found by linear probing (Knuth,
The Art of Computer Programming 3, 6.4) from a keyed hash: whoever chooses the names of features cannot choose
ones that meet. A name may be anything hashable; identities that have no spelling, those of interactions among
them, are kept aside, as tuples.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

import secrets
from typing import Any

import msgspec
import numpy as np

if cython.compiled:
    from cython.cimports.libc.string import memcmp, memcpy
    from cython.cimports.perceptron_core.kernel.spelling import prefetch, sip_hash, spelled

KEY_0 = cython.declare(cython.ulonglong, secrets.randbits(64))
KEY_1 = cython.declare(cython.ulonglong, secrets.randbits(64))
UPPER = cython.declare(cython.ulonglong, 0xFFFFFFFF00000000)
LOWER = cython.declare(cython.ulonglong, 0x00000000FFFFFFFF)

_decode = msgspec.msgpack.Decoder(list[tuple[str, ...]]).decode


@cython.cclass
class Names:
    """Gives each feature a row, and finds it again."""

    count: cython.Py_ssize_t
    spelled: cython.uchar[::1]  # the identities, one after the other
    starts: cython.longlong[::1]  # by row: where its identity begins; one more than there are rows
    slots: cython.ulonglong[::1]  # the upper half of a hash, and a row + 1; 0 where free
    aside: dict[Any, Any]  # identities that have no spelling, and their rows
    by_row: dict[Any, Any]  # the other way round

    def __init__(self) -> None:
        self.count = 0
        self.spelled = np.empty(1024, dtype=np.uint8).data
        self.starts = np.zeros(64, dtype=np.int64).data
        self.slots = np.zeros(64, dtype=np.uint64).data
        self.aside = {}
        self.by_row = {}

    # Looking up

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def find(self, identity: object, hashed: cython.ulonglong) -> cython.Py_ssize_t:
        """Return the row of an identity as :func:`spell` returns it, −1 where it is unseen."""
        if type(identity) is not bytes:
            return self.aside.get(identity, -1)
        return self.find_hashed(hashed, identity, 0, len(identity))

    @cython.cfunc
    @cython.exceptval(check=False)
    def find_hashed(
        self,
        hashed: cython.ulonglong,
        text: cython.p_const_uchar,
        start: cython.Py_ssize_t,
        end: cython.Py_ssize_t,
    ) -> cython.Py_ssize_t:
        """Return the row of the identity that is spelled from ``start`` to ``end``, −1 where it is unseen."""
        last: cython.ulonglong = len(self.slots) - 1
        slot: cython.ulonglong = hashed & last
        row: cython.Py_ssize_t
        while self.slots[slot] != 0:
            row = (self.slots[slot] & LOWER) - 1
            if self.slots[slot] & UPPER == hashed & UPPER and self._is(row, text, start, end):
                return row
            slot = (slot + 1) & last
        return -1

    @cython.cfunc
    @cython.exceptval(check=False)
    def expect(
        self, text: cython.p_const_uchar, start: cython.Py_ssize_t, end: cython.Py_ssize_t
    ) -> cython.ulonglong:
        """Return the hash of what is spelled there, and have memory brought near for a search."""
        hashed: cython.ulonglong = keyed_hash(text, start, end, KEY_0, KEY_1)
        if cython.compiled:
            prefetch(cython.address(self.slots[hashed & (len(self.slots) - 1)]))
        return hashed

    @cython.cfunc
    @cython.exceptval(check=False)
    def _is(
        self,
        row: cython.Py_ssize_t,
        text: cython.p_const_uchar,
        start: cython.Py_ssize_t,
        end: cython.Py_ssize_t,
    ) -> cython.bint:
        at: cython.Py_ssize_t = self.starts[row]
        if self.starts[row + 1] - at != end - start:
            return False
        if not cython.compiled:
            return self.spelled[at : self.starts[row + 1]] == text[start:end]
        return memcmp(cython.address(self.spelled[at]), text + start, end - start) == 0

    # Coming and going

    @cython.cfunc
    @cython.exceptval(-1, check=True)
    def add(self, identity: object) -> cython.Py_ssize_t:
        """Give a feature that is unseen the next row."""
        row: cython.Py_ssize_t = self.count
        at: cython.Py_ssize_t = self.starts[row]
        size: cython.Py_ssize_t = len(identity) if type(identity) is bytes else 0
        if row + 2 > len(self.starts):
            self.starts = _longer(self.starts, row + 2)
        if at + size > len(self.spelled):
            self.spelled = _longer(self.spelled, at + size)
        if 3 * (row + 1) > 2 * len(self.slots):
            self._spread()
        self.starts[row + 1] = at + size
        if size == 0:
            self.by_row[row] = identity
            self.aside[identity] = row
        else:
            if not cython.compiled:
                self.spelled[at : at + size] = identity
            else:
                memcpy(cython.address(self.spelled[at]), cython.cast(cython.p_const_uchar, identity), size)
            self._enter(row)
        self.count = row + 1
        return row

    @cython.cfunc
    def _spread(self) -> Any:
        """Take twice as many slots, and enter every row again, in order."""
        row: cython.Py_ssize_t
        self.slots = np.zeros(2 * len(self.slots), dtype=np.uint64).data
        for row in range(self.count):
            if not self._is_aside(row):
                self._enter(row)

    @cython.cfunc
    def _enter(self, row: cython.Py_ssize_t) -> Any:
        """Put a row into the first free slot."""
        hashed: cython.ulonglong = self._hash_of(row)
        last: cython.ulonglong = len(self.slots) - 1
        slot: cython.ulonglong = hashed & last
        while self.slots[slot] != 0:
            slot = (slot + 1) & last
        self.slots[slot] = (hashed & UPPER) | cython.cast(cython.ulonglong, row + 1)

    @cython.cfunc
    def truncate(self, count: cython.Py_ssize_t) -> Any:
        """Forget the rows from ``count`` on.

        The last first: nobody who came before a row was put behind its slot.
        """
        last: cython.ulonglong = len(self.slots) - 1
        slot: cython.ulonglong
        row: cython.Py_ssize_t
        for row in range(self.count - 1, count - 1, -1):
            if self._is_aside(row):
                del self.aside[self.by_row.pop(row)]
                continue
            slot = self._hash_of(row) & last
            while self.slots[slot] & LOWER != cython.cast(cython.ulonglong, row + 1):
                slot = (slot + 1) & last
            self.slots[slot] = 0
        self.count = count

    @cython.cfunc
    @cython.exceptval(check=False)
    def _hash_of(self, row: cython.Py_ssize_t) -> cython.ulonglong:
        text: cython.p_const_uchar
        text = cython.address(self.spelled[0]) if cython.compiled else self.spelled
        return keyed_hash(text, self.starts[row], self.starts[row + 1], KEY_0, KEY_1)

    @cython.cfunc
    @cython.exceptval(check=False)
    def _is_aside(self, row: cython.Py_ssize_t) -> cython.bint:
        return self.starts[row] == self.starts[row + 1]

    # All of them

    def spelling(self, first: cython.Py_ssize_t, end: cython.Py_ssize_t) -> bytes | None:
        """Return the identities of rows as they are spelled, None where one of them is not."""
        row: cython.Py_ssize_t
        if self.by_row:
            for row in range(first, end):
                if self._is_aside(row):
                    return None
        return bytes(self.spelled[self.starts[first] : self.starts[end]])

    def entries(self, first: cython.Py_ssize_t, end: cython.Py_ssize_t) -> list[tuple[Any, ...]]:
        """Return the identities of rows: ``(name,)`` of a number, ``(name, text)`` of a text."""
        spelling = self.spelling(first, end)
        if spelling is None:
            return [self.by_row.get(row) or self.entries(row, row + 1)[0] for row in range(first, end)]
        return read_entries(spelling, end - first)


@cython.ccall
@cython.exceptval(check=False)
def keyed_hash(
    text: cython.p_const_uchar,
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    key_0: cython.ulonglong,
    key_1: cython.ulonglong,
) -> cython.ulonglong:
    """Return SipHash-1-3 of a part of a text; interpreted, what Python makes of it by a key of its own."""
    if cython.compiled:
        return sip_hash(text + start, end - start, key_0, key_1)
    return hash(bytes(text[start:end])) & 0xFFFFFFFFFFFFFFFF


@cython.ccall
def spell(name: object, text: object) -> object:
    """Return the identity of a feature: its spelling, or a tuple where it has none."""
    if isinstance(name, str):
        try:
            if cython.compiled:
                return spelled(name, text)
            return msgspec.msgpack.encode([str.__str__(part) for part in _entry(name, text)])
        except UnicodeEncodeError:  # no feature can be known by that
            pass
    return _entry(name, text)


def _entry(name: object, text: object) -> tuple[Any, ...]:
    return (name,) if text is None else (name, text)


@cython.ccall
@cython.exceptval(check=False)
def end_of(text: cython.p_const_uchar, at: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Return the position behind the identity that is spelled from ``at`` on."""
    c: cython.Py_ssize_t
    header: cython.Py_ssize_t
    size: cython.Py_ssize_t
    parts: cython.Py_ssize_t = text[at] & 15
    at += 1
    while parts > 0:
        header = 1 if text[at] < 0xD9 else 2 if text[at] == 0xD9 else 3 if text[at] == 0xDA else 5
        size = text[at] & 31 if header == 1 else 0
        for c in range(1, header):
            size = size << 8 | text[at + c]
        at += header + size
        parts -= 1
    return at


def read_entries(spelling: bytes, count: int) -> list[tuple[Any, ...]]:
    """Return so many identities that are spelled one after the other."""
    found: list[tuple[Any, ...]] = _decode(b"\xdd" + count.to_bytes(4, "big") + spelling)
    return found


@cython.cfunc
def _longer(numbers: Any, size: cython.Py_ssize_t) -> Any:
    """Return a copy with room for at least ``size``, and for twice as many as before."""
    old = np.asarray(numbers)
    new = np.empty(max(size, 2 * len(old)), dtype=old.dtype)
    new[: len(old)] = old
    return new.data

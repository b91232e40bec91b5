"""The parts of a pipeline's state as numbered blocks, so that a commit writes only those that changed.

A part is cut into pieces of 64 kB; a piece keeps its number for as long as it is there, and a number that
is free is taken again. A block of no bytes is one that is not used any more.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from typing import Any, Final

Entry = tuple[Any, ...]
Piece = tuple[str, int]

PIECE_BYTES: Final = 65_536


class Blocks:
    """Which numbers the pieces have, in the stored state and in a working one."""

    def __init__(self) -> None:
        self._stored: dict[int, tuple[Piece, bytes]] = {}
        self._staged = self._stored
        self._loaded = self._stored  # with what was loaded over it, or staged
        self._last: tuple[Mapping[str, bytes], object, dict[int, tuple[Piece, bytes]]] | None = None

    @property
    def are_stored(self) -> bool:
        """Whether there is a stored state at all."""
        return bool(self._stored)

    def stage(self, parts: Mapping[str, bytes]) -> None:
        """Take ``parts`` for stored until :meth:`rollback` says that they are not."""
        self._staged = self._loaded = self.numbered(parts)

    def commit(self) -> None:
        """Take what was staged for stored."""
        self._stored = self._staged

    def rollback(self) -> None:
        """Forget what was staged or loaded since the last commit."""
        self._staged = self._loaded = self._stored

    def dirty(self, parts: Mapping[str, bytes]) -> list[int]:
        """Return the numbers whose piece is not as stored or staged, in order."""
        now = self.numbered(parts)
        return sorted(n for n in now.keys() | self._staged.keys() if now.get(n) != self._staged.get(n))

    def renamed(self, parts: Mapping[str, bytes]) -> list[int]:
        """Return the numbers that hold another piece than in the stored or staged state, in order."""
        now = self.numbered(parts)
        return sorted(n for n in now if n not in self._staged or now[n][0] != self._staged[n][0])

    def parts_with(self, given: Iterable[tuple[int, list[Entry], bytes]]) -> dict[str, bytes]:
        """Lay blocks over the stored ones, and return the parts that they make up.

        Raises
        ------
        ValueError
            A block is not one of a pipeline, or a piece is missing.
        """
        self._loaded = dict(self._loaded)
        for number, names, data in given:
            self._loaded.pop(number, None)
            if data:
                self._loaded[number] = _piece(number, names), data
        pieces = dict(self._loaded.values())
        if len(pieces) != len(self._loaded):
            raise ValueError("two blocks hold the same piece of the state")
        return _joined(pieces)

    def numbered(self, parts: Mapping[str, bytes]) -> dict[int, tuple[Piece, bytes]]:
        """Return the pieces by number: the number they have, else the lowest that is free."""
        if self._last is None or self._last[0] is not parts or self._last[1] is not self._loaded:
            self._last = parts, self._loaded, self._newly_numbered(parts)
        return self._last[2]

    def _newly_numbered(self, parts: Mapping[str, bytes]) -> dict[int, tuple[Piece, bytes]]:
        pieces = {
            (key, start // PIECE_BYTES): part[start : start + PIECE_BYTES]
            for key, part in parts.items()
            for start in range(0, len(part), PIECE_BYTES)
        }
        known = {piece: number for number, (piece, _) in self._loaded.items() if piece in pieces}
        taken = set(known.values())
        free = (number for number in itertools.count() if number not in taken)
        return {
            known[piece] if piece in known else next(free): (piece, data) for piece, data in pieces.items()
        }


def _piece(number: int, names: list[Entry]) -> Piece:
    """Return which piece a block holds."""
    match names:
        case [(str(key), str(index))] if index.isdigit():
            return key, int(index)
    raise ValueError(f"block {number}: {names!r:.80} is no piece of a pipeline's state")


def _joined(pieces: Mapping[Piece, bytes]) -> dict[str, bytes]:
    cut: dict[str, list[bytes]] = {}
    for key, index in sorted(pieces):
        if index != len(cut.setdefault(key, [])):
            raise ValueError(f"piece {len(cut[key])} of part {key!r:.80} is missing")
        cut[key].append(pieces[key, index])
    return {key: b"".join(data) for key, data in cut.items()}

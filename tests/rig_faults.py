"""A stream whose writers fail at chosen commits: the real stream below it, a script above it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.streams.port import Aborted, Fenced, InDoubt, Membership, Output, Partition, Writer

ABORTED = "aborted"
FENCED = "fenced"
LOST = "in doubt, not written"
WRITTEN = "in doubt, written"


class ScriptedStream:
    """Passes everything on; each commit takes the next word of the script."""

    def __init__(self, real: Any, script: Sequence[str | None]) -> None:
        self._real = real
        self._script: Iterator[str | None] = iter(script)
        self.fences = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def fence(self, name: str) -> Writer:
        self.fences += 1
        return _ScriptedWriter(self._real.fence(name), self._script)


class _ScriptedWriter:
    def __init__(self, real: Any, script: Iterator[str | None]) -> None:
        self._real = real
        self._script = script

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def commit(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        fault = next(self._script, None)
        if fault in (None, WRITTEN):
            self._real.commit(outputs, next_offsets, membership)
        if fault is not None:
            self._real.close()
            raise {ABORTED: Aborted, FENCED: Fenced}.get(fault, InDoubt)(f"by the script: {fault}")

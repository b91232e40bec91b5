"""A stream whose writers fail at chosen commits: the real stream below it, a script above it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from service.streams.port import Aborted, Fenced, InDoubt, Membership, Output, Partition, Writer

ABORTED = "aborted"
FENCED = "fenced"
SEAT_LOST = "fenced, and the seat is another's for a while"
LOST = "in doubt, not written"
WRITTEN = "in doubt, written"
SUSPECT = "written, by a writer that is suspect from then on"


class ScriptedStream:
    """Passes everything on; each commit takes the next word of the script."""

    def __init__(
        self,
        real: Any,
        script: Sequence[str | None],
        on_loss: Callable[[], None] = lambda: None,
        note: Callable[[str], object] = lambda step: None,
    ) -> None:
        self._real = real
        self._script: Iterator[str | None] = iter(script)
        self._seat: Any = None
        self._on_loss = on_loss
        self._note = note
        self.fences = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def join(self, group: str, topic: str, instance_id: str = "") -> Any:
        self._seat = _ScriptedSeat(lambda: self._real.join(group, topic, instance_id), self._on_loss)
        return self._seat

    def fence(self, name: str) -> Writer:
        self.fences += 1
        self._note("fence")
        return _ScriptedWriter(self._real.fence(name), self._script, self._seat, self._note)


class _ScriptedSeat:
    """A seat that can be lost, to be taken again a few polls later."""

    def __init__(self, join: Callable[[], Any], on_loss: Callable[[], None]) -> None:
        self._join = join
        self._on_loss = on_loss
        self._polls_without = 0
        self.real = join()

    def lose(self) -> None:
        self.real.close()
        self._on_loss()
        self.real = self._join()
        self._polls_without = 3

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *error: object) -> None:
        self.real.close()

    def poll(self) -> frozenset[int]:
        if self._polls_without:
            self._polls_without -= 1
            return frozenset()
        return self.real.poll()


class _ScriptedWriter(Writer):
    """Does all of a commit at its end: what is learned meanwhile goes with it."""

    def __init__(
        self,
        real: Writer,
        script: Iterator[str | None],
        seat: _ScriptedSeat,
        note: Callable[[str], object],
    ) -> None:
        self._real = real
        self._script = script
        self._seat = seat
        self._note = note
        self._is_suspect = False
        self._begun: tuple[Sequence[Output], dict[Partition, int]] | None = None

    @property
    def suspect(self) -> bool:
        return self._is_suspect or self._real.suspect

    def close(self) -> None:
        self._real.close()

    def begin(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        assert self._begun is None, "one commit is under way at most"
        self._note("begin")
        self._begun = outputs, dict(next_offsets)

    def finish(self) -> None:
        if self._begun is None:
            return
        self._note("finish")
        (outputs, next_offsets), self._begun = self._begun, None
        fault = next(self._script, None)
        if fault in (None, WRITTEN, SUSPECT):
            self._real.commit(outputs, next_offsets, self._seat.real)
        if fault == SUSPECT:
            self._is_suspect = True
            return
        if fault == SEAT_LOST:
            self._seat.lose()
        if fault is not None:
            self._real.close()
            raise {ABORTED: Aborted, FENCED: Fenced, SEAT_LOST: Fenced}.get(fault, InDoubt)(
                f"by the script: {fault}"
            )

"""The commit protocol on Kafka, once for both clients."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from service.streams.kafka_common import FENCED, NO_TOPIC, RIGHTS, TOO_LARGE, told
from service.streams.port import Aborted, Fenced, InDoubt, Membership, Output, Partition, Writer

SLOW_S = 1.0
"""A commit that takes longer is suspect, whatever is usual: a delayed end may hit the next transaction."""


def _failure_of(step: Callable[[], None]) -> BaseException | None:
    """Take a step, and return what it raises."""
    try:
        step()
    except BaseException as error:
        return error
    return None


def _nothing() -> None:
    """There are no offsets to wait for."""


class TransactionalWriter(Writer, ABC):
    """A writer by its steps, which the client supplies."""

    def __init__(self) -> None:
        self._alive = True
        self._was_slow = False
        self._topics: set[str] = set()
        self._spent_s = 0.0  # on the commit under way, without what the engine does meanwhile
        self._offsets: Callable[[], None] | None = None  # waits for what was begun

    @property
    def suspect(self) -> bool:
        """Whether a connection failed or a commit was so slow that its end may still be under way."""
        return self._was_slow or self._disconnected()

    def begin(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        """Write all outputs and offsets, or nothing.

        1. begin; 2. hand over all records; 3. while they may be under way, send the offsets with the identity
        the group knows us by right now; 4. wait until each record is acknowledged; 5. end the transaction.
        Until 5 a failure means that nothing was written, whatever becomes of the abort. From 5 on only the
        log can tell. What waits for the broker is left to :meth:`finish`.
        """
        if not self._alive:
            raise Fenced("this writer is dead: recover and fence anew")
        self._topics, self._spent_s = {output.topic for output in outputs}, 0.0
        self._timed(partial(self._hand_over, outputs, next_offsets, membership), self._before_end)

    def finish(self) -> None:
        """Wait for what was begun."""
        if self._offsets is not None:
            self._timed(self._acknowledged, self._before_end)
            self._timed(self._end, self._during_end)

    def _hand_over(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        self._begin()
        self._send(outputs)
        self._offsets = self._offsets_under_way(next_offsets, membership) if next_offsets else _nothing

    def _acknowledged(self) -> None:
        assert self._offsets is not None
        offsets, self._offsets = self._offsets, None
        offsets()
        self._flush()

    def _timed(self, step: Callable[[], None], judged: Callable[[BaseException], BaseException]) -> None:
        """Take a step, and note whether the commit is slow; where it fails, this writer is at its end."""
        started = time.monotonic()
        if (failure := _failure_of(step)) is not None:
            self._discard()  # by now: confluent's client never frees what is handled when it raises
            try:
                if not self._named(failure)[0]:  # ours already
                    raise failure
                raise judged(failure) from failure
            finally:
                del failure  # it knows this frame: in a circle they would hold the writer
        self._spent_s += time.monotonic() - started
        self._was_slow |= self._spent_s > SLOW_S

    def _before_end(self, error: BaseException) -> BaseException:
        """Nothing was written: say whether trying again can help."""
        name, detail = self._named(error)
        if name in FENCED:
            return Fenced(f"{name}: {detail}")
        if name in RIGHTS | NO_TOPIC | TOO_LARGE:
            return told(self._servers, name, f"writing {', '.join(sorted(self._topics))}: {detail}")
        return Aborted(f"{name}: {detail}")

    def _during_end(self, error: BaseException) -> BaseException:
        """Even a fence proves nothing here: it may answer the second try of an end that took effect."""
        name, detail = self._named(error)
        if self._proves_nothing_written(error):
            return self._before_end(error)
        return InDoubt(f"{name}: {detail}")

    def close(self) -> None:
        """Abort what is open and let go of the producer."""
        self._discard()

    def _discard(self) -> None:
        """Abort first, or the transaction stays open until its timeout; then never use the producer again."""
        if self._alive:
            self._alive = False
            self._abandon()

    _servers: str

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _send(self, outputs: Sequence[Output]) -> None: ...

    @abstractmethod
    def _flush(self) -> None: ...

    @abstractmethod
    def _send_offsets(self, next_offsets: Mapping[Partition, int], membership: Membership) -> None: ...

    def _offsets_under_way(
        self, next_offsets: Mapping[Partition, int], membership: Membership
    ) -> Callable[[], None]:
        """Return what sends the offsets; where a client can do that meanwhile, return what waits for it."""
        return partial(self._send_offsets, next_offsets, membership)

    @abstractmethod
    def _end(self) -> None: ...

    @abstractmethod
    def _abandon(self) -> None: ...

    @abstractmethod
    def _disconnected(self) -> bool: ...

    def _proves_nothing_written(self, error: BaseException) -> bool:
        return False

    @abstractmethod
    def _named(self, error: BaseException) -> tuple[str, str]:
        """Return the name and the text of a client's error, twice empty for anything else."""

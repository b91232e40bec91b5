"""The commit protocol on Kafka, once for both clients."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

from service.streams.kafka_common import FENCED, NO_TOPIC, RIGHTS, TOO_LARGE, told
from service.streams.port import Aborted, Closing, Fenced, InDoubt, Membership, Output, Partition

SLOW_S = 1.0
"""A commit that takes longer is suspect, whatever is usual: a delayed end may hit the next transaction."""


class TransactionalWriter(Closing, ABC):
    """A writer by its steps, which the client supplies."""

    def __init__(self) -> None:
        self._alive = True
        self._was_slow = False

    @property
    def suspect(self) -> bool:
        """Whether a connection failed or a commit was so slow that its end may still be under way."""
        return self._was_slow or self._disconnected()

    def commit(
        self, outputs: Sequence[Output], next_offsets: Mapping[Partition, int], membership: Membership
    ) -> None:
        """Write all outputs and offsets, or nothing.

        1. begin; 2. hand over all records; 3. while they may be under way, send the offsets with the identity
        the group knows us by right now; 4. wait until each record is acknowledged; 5. end the transaction.
        Until 5 a failure means that nothing was written, whatever becomes of the abort. From 5 on only the
        log can tell.
        """
        if not self._alive:
            raise Fenced("this writer is dead: recover and fence anew")
        started = time.monotonic()
        try:
            self._begin()
            self._send(outputs)
            if next_offsets:
                self._send_offsets(next_offsets, membership)
            self._flush()
        except BaseException as error:
            self._discard()
            if not self._named(error)[0]:  # ours already: caused by itself, it would hold the writer for good
                raise
            raise self._before_end(error, outputs) from error
        try:
            self._end()
        except BaseException as error:
            self._discard()
            if not self._named(error)[0]:
                raise
            raise self._during_end(error, outputs) from error
        self._was_slow |= time.monotonic() - started > SLOW_S

    def _before_end(self, error: BaseException, outputs: Sequence[Output]) -> BaseException:
        """Nothing was written: say whether trying again can help."""
        name, detail = self._named(error)
        if name in FENCED:
            return Fenced(f"{name}: {detail}")
        if name in RIGHTS | NO_TOPIC | TOO_LARGE:
            topics = ", ".join(sorted({output.topic for output in outputs}))
            return told(self._servers, name, f"writing {topics}: {detail}")
        return Aborted(f"{name}: {detail}")

    def _during_end(self, error: BaseException, outputs: Sequence[Output]) -> BaseException:
        """Even a fence proves nothing here: it may answer the second try of an end that took effect."""
        name, detail = self._named(error)
        if self._proves_nothing_written(error):
            return self._before_end(error, outputs)
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

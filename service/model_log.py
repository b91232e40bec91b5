"""Reading the model topic to its end.

The log is compacted: a reader that is still catching up sees heads whose blocks have moved on. So only
the head that stands once the end has been reached counts; if it does not add up, the end is taken
anew, and only if it stood still is the log damaged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import Any, Final

from service.errors import Damaged, OffsetGone, OpenTransaction
from service.learner import Learner
from service.model_state import HEAD, Head, ModelState
from service.settings import Settings
from service.streams.port import Stream

OPEN_TRANSACTION_S = 10.0
POLL_S = 0.1
FOLLOW_S = 1.0
NO_LOCK: Final = nullcontext()
NO_IDS: Final[Mapping[str, str]] = {}


class ModelLog(ModelState):
    """One shard's partition of the model topic, read into a learner's committed state.

    Parameters
    ----------
    stream
        The stream.
    settings
        Checked settings; a stored model of another configuration is refused.
    shard
        The partition.
    on_progress
        Called between reads; a restore may take its time.
    on_applied
        Called with the records that a learner has taken over, by key.
    """

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        shard: int = 0,
        on_progress: Callable[[], None] = lambda: None,
        on_applied: Callable[[Mapping[bytes, bytes]], None] = lambda records: None,
    ) -> None:
        super().__init__(settings, (settings.topics.model, shard), on_applied)
        self._stream = stream
        self._on_progress = on_progress
        self._end = 0
        self._followed_at = 0.0
        self._topic_id = stream.topic_id(self.partition[0])
        self._reader = stream.reader()
        self._rests_at: int | None = stream.first_offset(self.partition)

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()

    def read(self, patience_s: float = OPEN_TRANSACTION_S) -> None:
        """Read on to the end of the log, wherever that is by now.

        Raises
        ------
        OpenTransaction
            Somebody's transaction has hidden the end for ``patience_s``.
        Damaged
            The log was made anew under us.
        """
        self.require_same_topic()
        self._go_on()
        self._end = self._stream.end_offset(self.partition)
        waited_s, last = 0.0, -1
        while (position := self._reader.position(self.partition)) < self._end:
            if position != last:
                waited_s, last = 0.0, position
            elif waited_s > patience_s:
                raise OpenTransaction(self._hidden_end(position, patience_s))
            self._on_progress()
            if not self._poll(POLL_S):
                waited_s += POLL_S  # not by the clock: a process that was frozen has not looked
                self._stream.end_offset(self.partition)  # raises where nobody answers: that hides the end too

    def rest(self) -> None:
        """Read nothing until asked again: a client would fetch ahead whatever the owner itself writes."""
        if self._rests_at is None:
            self._rests_at = self._reader.position(self.partition)
            self._reader.seek({})

    def _go_on(self) -> None:
        if self._rests_at is not None:
            self._reader.seek({self.partition: self._rests_at})
            self._rests_at = None

    def require_same_topic(self, known: Mapping[str, str] = NO_IDS) -> dict[str, str]:
        """Return the id of the topic, which must be the one that was opened and, where known, written to.

        Raises
        ------
        Damaged, TopicMissing
            It was made anew, or is gone.
        """
        topic, id = self.partition[0], self._topic_id
        if self._stream.topic_id(topic) != id or known.get(topic, id) != id:
            raise Damaged(
                f"model topic {topic!r} was deleted and made anew while it was in use: the model in it was "
                "lost, or may not be the last. Bring the topic back, or start anew with --reset-model"
            )
        return {topic: id} if id else {}

    def follow(self, learner: Learner) -> Head | None:
        """Lay what has arrived over ``learner`` where it adds up, and return the last commit that was.

        Nobody is asked where the log ends, so no broker is waited for; and who writes all the time is
        followed once a second only.

        Raises
        ------
        ConfigurationError
            It holds the model of another configuration.
        """
        is_quiet = not self._poll(0.0)
        if HEAD in self._news and (is_quiet or time.monotonic() - self._followed_at >= FOLLOW_S):
            self._followed_at = time.monotonic()
            with suppress(Damaged):  # the rest of it is still to come
                self.apply(learner)
        return self.head

    def wait(self, timeout_s: float) -> None:
        """Return as soon as there is something new to read, or when the time is over."""
        self._poll(timeout_s)

    def catch_up(
        self,
        learner: Learner,
        patience_s: float = OPEN_TRANSACTION_S,
        lock: AbstractContextManager[Any] = NO_LOCK,
    ) -> Head | None:
        """Bring the committed state of ``learner`` to the last commit in the log; None where there is none.

        The learner is touched under ``lock`` only; reading goes on without it.

        Raises
        ------
        Damaged, OpenTransaction
            The log does not add up, or its end is hidden.
        ConfigurationError
            It holds the model of another configuration.
        """
        while True:
            self.read(patience_s)
            try:
                with lock:
                    return self.apply(learner)
            except Damaged:
                if not self.has_moved():
                    raise

    def has_moved(self) -> bool:
        """Whether more was written since the end was last taken: what was judged by that end is void."""
        return self._stream.end_offset(self.partition) != self._end

    def _poll(self, timeout_s: float) -> bool:
        """Read what is there; whether there was anything."""
        self._go_on()
        try:
            batches = self._reader.poll(10_000, timeout_s)
        except OffsetGone as error:
            raise Damaged(f"the model topic was cut or made anew: {error}") from None
        for batch in batches:
            for key, value in zip(batch.keys, batch.values, strict=True):
                self.take(key, value)
        return bool(batches)

    def _hidden_end(self, position: int, patience_s: float) -> str:
        transactions = self._stream.open_transactions(self.partition) or "of an unknown producer"
        return (
            f"{self._where()}: committed up to {position} of {self._end} for {patience_s:g} s: "
            f"an open transaction hides the rest ({transactions}); abort it or wait for its timeout"
        )

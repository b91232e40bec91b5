"""The last committed model beside a running engine, for whoever predicts on other threads.

The engine hands over the records that it has written or restored, which costs it next to nothing. They are
laid over the copy only when somebody asks for it, by the code and with the checks of any follower.

Do: predict, show weights. Do not: hold up the engine, or show what is not committed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from service.learner import Learner
from service.model_state import Head, ModelState
from service.settings import Settings

Answer = TypeVar("Answer")


class CommittedModel:
    """A copy of the model at its last commit; every method may be called from any thread."""

    def __init__(self, settings: Settings) -> None:
        self._state = ModelState(settings, (settings.topics.model, 0))
        self._learner = Learner(settings, {})
        self._reading = threading.Lock()
        self._handing_over = threading.Lock()
        self._records: dict[bytes, bytes] = {}
        self._sizes: dict[bytes, int] = {}

    def take(self, records: Mapping[bytes, bytes]) -> None:
        """Take over records of whole commits, by key; never waits for a reader."""
        with self._handing_over:
            self._records.update(records)
            self._sizes.update(zip(records, map(len, records.values()), strict=True))

    @property
    def size_bytes(self) -> int:
        """How large the model is in its topic."""
        with self._handing_over:
            return sum(self._sizes.values())

    def read(self, question: Callable[[Head, Learner], Answer]) -> Answer | None:
        """Ask the copy of the last commit; None as long as there is none.

        Raises
        ------
        Damaged
            The records do not add up to what their head says.
        """
        with self._reading:
            with self._handing_over:
                records, self._records = self._records, {}
            for key, value in records.items():
                self._state.take(key, value)
            head = self._state.apply(self._learner)
            return None if head is None else question(head, self._learner)

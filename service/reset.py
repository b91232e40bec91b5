"""Starting anew: what is written in place of a stored model, and from where it learns."""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress

from service.errors import OpenTransaction
from service.input import Input
from service.learner import Learner, Position
from service.model_log import ModelLog
from service.model_state import Head, new_head, reset_records
from service.settings import Settings
from service.streams.port import Output, Partition

log = logging.getLogger("perceptron")


class Reset:
    """The wish to start anew with an untrained model, from the head that stands at this moment.

    Only that head is to go: a newer one is ours, of a commit in doubt, or the work of another member, and
    that is learned on.

    Parameters
    ----------
    start
        Learn from the stored head's position (``"head"``), the ``"first"`` or the ``"end"`` offsets.
    """

    def __init__(self, settings: Settings, model_log: ModelLog, input: Input, start: str) -> None:
        self._settings = settings
        self._log = model_log
        self._input = input
        self._start = start
        with suppress(OpenTransaction):  # the owner's own: whoever takes over will end it by fencing
            self._log.read()
        self._doomed = self._log.stored_head()

    def make(self, attempt: str) -> tuple[list[Output], Position] | None:
        """Return tombstones for the old model with the head of an untrained one, and where that begins.

        None where the model that was to go has gone already.
        """
        self._log.read()
        old = self._log.stored_head()
        if old != self._doomed:
            log.warning("not starting anew: another commit has come since the start; learning on from it")
            return None
        untrained = Learner(self._settings, {})
        topic_ids = self._input.topic_ids({})
        untrained.position = Position(self._input.seek(self._positions(old)), topic_ids=topic_ids)
        sequence = old.sequence + 1 if old else 1
        head = new_head(untrained, self._settings, secrets.token_hex(8), sequence, attempt)
        log.info("starting anew: model %s", head.model_id)
        return [reset_records(self._log.stored_keys(), head, self._log.partition)], untrained.position

    def _positions(self, old: Head | None) -> dict[Partition, int]:
        """Return the positions that are known; other partitions begin at their first offsets."""
        if self._start == "first":
            return {}
        if self._start == "end":
            return self._input.ends()
        return Position.from_wire(old.next_offsets) if old else self._input.committed()

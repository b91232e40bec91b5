"""Starting anew: what is written in place of a stored model, and from where it learns."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from contextlib import suppress

from service.errors import OpenTransaction
from service.input import Input
from service.learner import Learner, Position
from service.model_log import ModelLog
from service.model_state import Head, new_head, parts_of, reset_records, restored
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
    model
        The records of an exported model to begin with; without them an untrained one.
    """

    def __init__(
        self,
        settings: Settings,
        model_log: ModelLog,
        input: Input,
        start: str,
        model: Mapping[bytes, bytes] | None = None,
    ) -> None:
        self._settings = settings
        self._model = model or {}
        self._log = model_log
        self._input = input
        self._start = start
        with suppress(OpenTransaction):  # the owner's own: whoever takes over will end it by fencing
            self._log.read()
        self._doomed = self._log.stored_head()

    def make(self, attempt: str) -> tuple[list[Output], Position] | None:
        """Return tombstones for the old model with the new one behind them, and where that begins.

        None where the model that was to go has gone already.
        """
        self._log.read()
        old = self._log.stored_head()
        if old != self._doomed:
            log.warning("not starting anew: another commit has come since the start; learning on from it")
            return None
        learner, model_id, parts = Learner(self._settings, {}), secrets.token_hex(8), {}
        if self._model:
            exported = restored(self._model, self._settings, learner, "the exported model")
            parts = parts_of(self._model, exported.model_id, model_id)
        learner.position.next_offsets = self._input.seek(self._positions(old))
        learner.position.topic_ids = self._input.topic_ids({}) | self._log.require_same_topic()
        sequence = old.sequence + 1 if old else 1
        head = new_head(learner, self._settings, model_id, sequence, attempt)
        log.info("starting anew: model %s, version %d", model_id, head.version)
        records = reset_records(self._log.stored_keys(), parts, head, self._log.partition)
        return [records], learner.position

    def _positions(self, old: Head | None) -> dict[Partition, int]:
        """Return the positions that are known; other partitions begin at their first offsets."""
        if self._start == "first":
            return {}
        if self._start == "end":
            return self._input.ends()
        return Position.from_wire(old.next_offsets) if old else self._input.committed()

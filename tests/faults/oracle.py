"""What a run that never stopped leaves behind, to the byte; every campaign is held against it.

Two independent makers have to agree before anything is compared with them: the plain ``Perceptron``
loop of :mod:`tests.corpus`, which knows nothing of the service, and one uninterrupted learner.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from service.learner import Learner
from service.settings import Settings
from service.streams.port import Batch, Header
from tests.corpus import Case, plain_loop

CHUNK = 500

Answer = tuple[bytes | None, bytes | None, tuple[Header, ...]]
"""Key, value and headers of a prediction or a dead letter."""


@dataclass(frozen=True)
class State:
    """The model after a number of records: its hash, and how many samples it has learned."""

    hash: str
    version: int


class Oracle:
    """The answers to ``records`` of one partition, and the state of the model behind each of them.

    Attributes
    ----------
    predictions, dead
        Answers by the offset of the record they answer, in order.
    states
        ``states[n]`` is the model after the first n records.
    """

    def __init__(self, records: Sequence[Case], chosen: Settings) -> None:
        self.settings = chosen
        self.count = len(records)
        self.predictions: dict[int, Answer] = {}
        self.dead: dict[int, Answer] = {}
        self._learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
        self.states = [self._state()]
        for offset, case in enumerate(records):
            self._take(offset, case)
        self._require_agreement(records)

    def _state(self) -> State:
        return State(self._learner.model.hash(), self._learner.model.version)

    def _take(self, offset: int, case: Case) -> None:
        chosen = self.settings.topics
        for output in self._learner.process(
            Batch(chosen.samples, 0, [offset], [case.key], [case.value], [case.headers])
        ):
            answers = self.predictions if output.topic == chosen.predictions else self.dead
            headers = tuple(output.headers[0]) if output.headers else ()
            answers[offset] = output.keys[0], output.values[0], headers
        self.states.append(self._state())

    def _require_agreement(self, records: Sequence[Case]) -> None:
        plain = plain_loop(list(records), self.settings)
        assert [json.loads(value or b"") for _, value, _ in self.predictions.values()] == plain.predictions
        assert list(self.dead) == [offset for offset, _ in plain.dead]
        assert self.states[-1] == State(plain.hash, plain.version)

    @cached_property
    def metrics(self) -> dict[str, float]:
        """The progressive metrics over all of it."""
        return self._learner.metric_values()

    @property
    def counts(self) -> tuple[int, dict[str, int]]:
        """How many records were predicted, and rejected by reason."""
        return self._learner.position.predicted, dict(self._learner.position.rejected)

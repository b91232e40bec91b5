"""The weights of the committed model, for whoever looks: copied out seldom enough to cost learning little."""

from __future__ import annotations

import heapq
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import numpy.typing as npt

from perceptron_core import Perceptron
from service.board import Board
from service.learner import Learner
from service.model_state import Head

MANY = 20_000
MANY_EVERY_S = 10.0
SHARE = 0.05
"""Of one processor, at most, for copying weights out; models of many features wait ``MANY_EVERY_S``."""
STRETCH = 10_000

Sort = Literal["magnitude", "name"]


@dataclass(frozen=True)
class Weights:
    """The weights of one version; none where they can't be named, as of a pipeline."""

    version: int
    sequence: int
    names: list[str] = field(default_factory=list)
    values: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def page(self, offset: int, limit: int, sort: Sort) -> list[tuple[str, float]]:
        """Return some of them, the largest first or by name."""
        rows = (self._by_magnitude if sort == "magnitude" else self._by_name)[offset : offset + limit]
        return [(self.names[row], float(self.values[row])) for row in rows]

    @cached_property
    def _by_magnitude(self) -> list[int]:
        return np.argsort(-np.abs(self.values), kind="stable").tolist()  # type: ignore[no-any-return]

    @cached_property
    def _by_name(self) -> list[int]:
        """Sorted stretch by stretch: one long sort would not let the engine's thread in."""
        rows = range(len(self.names))
        stretches = [sorted(rows[at : at + STRETCH], key=self.names.__getitem__) for at in rows[::STRETCH]]
        return list(_merged(stretches, self.names))


def _merged(stretches: list[list[int]], names: list[str]) -> Iterator[int]:
    yield from heapq.merge(*stretches, key=names.__getitem__)


class WeightsView:
    """The latest weights; may be asked from any thread."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._asking = threading.Lock()
        self._latest: Weights | None = None
        self._next_at = 0.0

    def latest(self) -> Weights | None:
        """Return the weights of a recent version, None before the first commit.

        Raises
        ------
        Damaged
            The copy of the model does not add up.
        """
        with self._asking:
            head = self._board.head
            is_old = self._latest is None or head is None or head.sequence != self._latest.sequence
            if is_old and time.monotonic() >= self._next_at:
                started = time.monotonic()
                self._latest = self._board.model.read(weights_of)
                self._next_at = self._pause(time.monotonic() - started) + time.monotonic()
            return self._latest

    def _pause(self, took_s: float) -> float:
        if self._latest is None:
            return 0.0
        return MANY_EVERY_S if len(self._latest.names) > MANY else min(took_s / SHARE, MANY_EVERY_S)


def weights_of(head: Head, learner: Learner) -> Weights:
    """Return the weights of a copy of the model."""
    if not isinstance(learner.model, Perceptron):
        return Weights(head.version, head.sequence)
    weights = learner.model.weights
    values = np.fromiter(weights.values(), np.float64, len(weights))
    return Weights(head.version, head.sequence, [str(name) for name in weights], values)

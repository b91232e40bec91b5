"""The one object that the dashboard reads: what the engine is and does, and what the model is by now."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from service.board import Board
from service.errors import PerceptronError
from service.http.weights import WeightsView
from service.model_state import Head
from service.streams.port import Partition
from service.times import utc

LARGEST = 12
FRESH_S = 0.25
"""However many look, the object is put together no more often than that."""

Number = TypeVar("Number", int, float)

_encode = msgspec.json.Encoder().encode
_CREDENTIALS = re.compile(r"(?<=//)[^/]*@")


class State:
    """Puts the object together; may be asked from any thread."""

    def __init__(self, board: Board, weights: WeightsView, client: str) -> None:
        self._board = board
        self._weights = weights
        self._client = client
        self._building = threading.Lock()
        self._latest = (0, b"")
        self._built_at = -FRESH_S

    def current(self) -> tuple[int, bytes]:
        """Return the sequence of the last commit, and the object as JSON."""
        with self._building:
            if time.monotonic() - self._built_at >= FRESH_S:
                state = self._build()
                self._latest = state["sequence"] or 0, _encode(state)
                self._built_at = time.monotonic()
            return self._latest

    def _build(self) -> dict[str, Any]:
        board = self._board
        readiness, head, commit = board.readiness(), board.head, board.last_commit
        committed_at = board.committed_at
        return {
            "model": board.settings.model.name,
            "task": board.settings.model.task,
            "role": readiness.role,
            "ready": readiness.ready,
            "reason": readiness.reason,
            **_of_the_head(head),
            "at": None if committed_at is None else utc(committed_at),
            **board.counts(),
            "recoveries": board.recoveries(),
            "metrics": board.metrics,
            "windows": board.windows(),
            "commit_ms": commit and 1000 * commit.commit_seconds,
            "batch_ms": commit and 1000 * commit.seconds,
            "lag": _by_place(board.lags()),
            "age_s": _by_place(board.event_ages_s()),
            "model_bytes": board.model.size_bytes,
            "weights": self._largest(),
            "letters": {reason: list(letters) for reason, letters in board.letters().items()},
            "stream": _CREDENTIALS.sub("", board.settings.stream.url),
            "client": self._client,
            "uptime_s": time.time() - board.started_at,
        }

    def _largest(self) -> list[tuple[str, float]]:
        try:
            weights = self._weights.latest()
        except PerceptronError:  # it shows where predictions are asked for; here it would hide the rest
            return []
        return weights.page(0, LARGEST, "magnitude") if weights else []


def _of_the_head(head: Head | None) -> dict[str, Any]:
    """Return what the last commit says of the model."""
    if head is None:
        return dict.fromkeys(("version", "sequence", "hash", "features")) | {"predicted": 0, "rejected": {}}
    is_pipeline = "model.pipeline" in head.fingerprint
    return {
        "version": head.version,
        "sequence": head.sequence,
        "hash": head.hash,
        "features": None if is_pipeline else head.features,
        "predicted": head.predicted,
        "rejected": head.rejected,
    }


def _by_place(numbers: Mapping[Partition, Number]) -> dict[str, Number]:
    return {f"{topic}/{partition}": number for (topic, partition), number in numbers.items()}

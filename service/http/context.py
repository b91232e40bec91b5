"""What the routes share."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Request

from service.board import Board
from service.http.metrics import Metrics
from service.http.predicting import Predictor
from service.http.replies import Problem
from service.http.state import State
from service.http.weights import WeightsView

WORKERS = 2
"""Threads that read the model; more would only wait for each other, and for the engine."""

Answer = TypeVar("Answer")

_JSON_TYPE = re.compile(r"application/([a-z0-9.+-]+\+)?json\s*(;.*)?", re.IGNORECASE)


@dataclass
class Context:
    """A running engine's board, and what is made of it."""

    board: Board
    metrics: Metrics
    state: State
    weights: WeightsView
    predictor: Predictor
    is_closing: Callable[[], bool]
    max_streams: int
    streams: int = 0  # of events that are being sent now
    _limiter: CapacityLimiter | None = field(default=None, init=False)

    async def beside(self, do: Callable[..., Answer], *given: Any) -> Answer:
        """Do something on a thread of its own: the loop that answers /health must never wait."""
        self._limiter = self._limiter or CapacityLimiter(WORKERS)
        return await to_thread.run_sync(partial(do, *given), abandon_on_cancel=True, limiter=self._limiter)


async def json_body(request: Request) -> bytes:
    """Return the body of a request that must be JSON.

    Raises
    ------
    Problem
        It is something else.
    """
    kind = request.headers.get("content-type", "")
    if not _JSON_TYPE.fullmatch(kind):
        came = f"it is {kind!r:.80}" if kind else "there is none"
        raise Problem(415, "unsupported_media_type", f"Content-Type: application/json was expected; {came}")
    return await request.body()

"""What the dashboard lives on: the state now, and as it changes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from service.http.context import Context
from service.http.replies import JSON, Problem
from service.http.schemas import OBJECT, PROBLEM, answers, text

EVERY_S = 0.25
HEARTBEAT_S = 15.0


def state_routes(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["operation"])

    @router.get("/metrics", responses=text("text/plain", "Prometheus's text format") | answers(None))
    async def metrics() -> Response:
        """Return all metrics for Prometheus."""
        found = await context.beside(context.metrics.text)
        return Response(found, headers={"content-type": context.metrics.content_type})

    @router.get("/state", responses=answers(OBJECT, {503: PROBLEM}))
    async def state() -> Response:
        """Return the state of engine and model."""
        return Response((await context.beside(context.state.current))[1], media_type=JSON)

    @router.get(
        "/events",
        responses=text("text/event-stream", "States as they change") | answers(None, {503: PROBLEM}),
    )
    async def events() -> Response:
        """Send the state now and, at most four times a second, after each change."""
        if context.streams >= context.max_streams:
            message = f"{context.streams} streams of events are being read, as many as there may be"
            raise Problem(503, "too_many_streams", message, {"retry-after": "5"})
        return StreamingResponse(_states(context), media_type="text/event-stream")

    return router


async def _states(context: Context) -> AsyncIterator[bytes]:
    """Yield states as they change, and a comment where none does for long: both ends then see it is alive."""
    context.streams += 1
    try:
        known, sent_at = None, 0.0
        while not context.is_closing():
            news = context.board.wait(-1, 0), context.board.readiness()
            if news != known:
                known, sent_at = news, time.monotonic()
                sequence, state = await context.beside(context.state.current)
                yield b"id: %d\nevent: state\ndata: %s\n\n" % (sequence, state)
            elif time.monotonic() - sent_at > HEARTBEAT_S:
                sent_at = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(EVERY_S)
    finally:
        context.streams -= 1

"""Whether it lives and whether it is ready: what an orchestrator asks, without a token."""

from __future__ import annotations

from fastapi import APIRouter, Response

from service.http.context import Context
from service.http.replies import as_json
from service.http.schemas import LIVE, READY, V2_READY, answers


def health_routes(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["health"])

    @router.get("/v2/health/live", responses=answers(LIVE, is_open=True))
    @router.get("/health/live", responses=answers(LIVE, is_open=True))
    async def live() -> Response:
        """Say that the process lives."""
        return as_json({"live": True})

    @router.get("/health/ready", responses=answers(READY, {503: READY}, is_open=True))
    async def ready() -> Response:
        """Say whether the model is kept up: of an owner that learns, or a standby that follows."""
        now = context.board.readiness()
        return as_json(now, 200 if now.ready else 503)

    @router.get("/v2/health/ready", responses=answers(V2_READY, {503: V2_READY}, is_open=True))
    async def v2_ready() -> Response:
        """Say the same by the Open Inference Protocol."""
        is_ready = context.board.readiness().ready
        return as_json({"ready": is_ready}, 200 if is_ready else 503)

    return router

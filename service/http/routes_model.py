"""The committed model: asked for predictions, and shown."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from service.commands.model_show import model_json
from service.http.context import Context, json_body
from service.http.replies import as_json, no_model
from service.http.schemas import MODEL, PROBLEM, answer_schema, answers, body, one_or_many, sample_schema
from service.http.weights import Sort, Weights
from service.learner import Learner
from service.model_state import Head
from service.settings_sources import redacted

MAX_PAGE = 1000

Offset = Annotated[int, Query(ge=0, le=2**31, description="Weights to skip.")]
Limit = Annotated[int, Query(ge=0, le=MAX_PAGE, description="Weights to show.")]
Order = Annotated[Sort, Query(description="The largest magnitude first, or by name.")]
Parts = Annotated[bool, Query(description="With what each feature adds to the score.")]

REFUSALS = dict.fromkeys((400, 413, 415, 422, 503), PROBLEM)


def model_routes(context: Context) -> APIRouter:
    """Return the routes."""
    router = APIRouter(tags=["model"])
    settings = context.board.settings
    sample, answer = one_or_many(sample_schema(settings)), one_or_many(answer_schema(settings))

    @router.post("/predict", responses=answers(answer, REFUSALS), openapi_extra=body(sample))
    async def predict(request: Request, contributions: Parts = False) -> Response:
        """Predict a sample, or an array of them, by the last committed version; nothing is learned."""
        sent = await json_body(request)
        return await context.beside(lambda: as_json(context.predictor.answer(sent, contributions)))

    @router.get("/model", responses=answers(MODEL, {422: PROBLEM, 503: PROBLEM}))
    async def model(offset: Offset = 0, limit: Limit = 100, sort: Order = "magnitude") -> Response:
        """Show the committed model: facts, metrics, settings, and its weights page by page."""

        def shown() -> Response:
            facts = context.board.model.read(_facts)
            weights = context.weights.latest()
            if facts is None or weights is None:
                raise no_model()
            page = _page(weights, offset, limit, sort)
            more = {"windows": context.board.windows(), "settings": redacted(settings), "weights": page}
            return as_json({**facts, **more})

        return await context.beside(shown)

    return router


def _facts(head: Head, learner: Learner) -> dict[str, Any]:
    return {**model_json(head, learner), "predicted": head.predicted, "rejected": head.rejected}


def _page(weights: Weights, offset: int, limit: int, sort: Sort) -> dict[str, Any]:
    return {
        "version": weights.version,
        "total": len(weights.names),
        "offset": offset,
        "limit": limit,
        "sort": sort,
        "items": [{"name": name, "weight": w} for name, w in weights.page(offset, limit, sort)],
    }

"""The application: routes, and what stands before them."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response, Security
from fastapi.exceptions import RequestValidationError
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from service.board import Board
from service.errors import PerceptronError
from service.http.context import Context
from service.http.guard import Guard
from service.http.metrics import Metrics
from service.http.predicting import Predictor
from service.http.replies import Problem, as_problem, fault, problem_of
from service.http.routes_health import health_routes
from service.http.routes_inference import inference_routes
from service.http.routes_model import model_routes
from service.http.routes_page import page_routes
from service.http.routes_state import state_routes
from service.http.schemas import DESCRIPTION
from service.http.state import State
from service.http.weights import WeightsView
from service.version import own_version


def new_app(
    board: Board,
    metrics: Metrics,
    *,
    token: str | None = None,
    client: str = "",
    is_closing: Callable[[], bool] = lambda: False,
) -> ASGIApp:
    """Return the application that serves a board.

    Parameters
    ----------
    board, metrics
        Observers of one engine.
    token
        What callers must show; None where only this machine can call.
    client
        The stream's client, with its version.
    is_closing
        Whether the server is about to end; streams of events end with it.
    """
    http = board.settings.http
    weights = WeightsView(board)
    state = State(board, weights, client)
    streams = max(1, http.max_connections // 4)  # the others are left for questions
    context = Context(board, metrics, state, weights, Predictor(board), is_closing, streams)
    app = _described()
    for routes in (health_routes, page_routes):
        app.include_router(routes(context))
    asking = [Security(HTTPBearer(auto_error=False))] if token is not None else []  # Guard does; this says so
    for routes in (model_routes, state_routes, inference_routes):
        app.include_router(routes(context), dependencies=asking)
    app.exception_handlers.update(_HANDLERS)
    return Guard(app, token, http.host, http.max_body_bytes)


def _described() -> FastAPI:
    """Return an application without routes; FastAPI's own pages would load scripts from elsewhere."""
    return FastAPI(
        title="perceptron",
        version=own_version("0"),
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )


async def _on_problem(request: Request, problem: Any) -> Response:
    return as_problem(problem, request.url.path)


async def _on_status(request: Request, error: Any) -> Response:
    message = {
        404: "there is nothing here; /openapi.json lists what there is",
        405: f"{request.method} is not known here",
    }.get(error.status_code, HTTPStatus(error.status_code).phrase)
    return as_problem(problem_of(error.status_code, message, error.headers), request.url.path)


async def _on_parameter(request: Request, error: Any) -> Response:
    fault = error.errors()[0]
    where = ".".join(str(part) for part in fault["loc"])
    return as_problem(Problem(422, "bad_parameter", f"{where}: {fault['msg']}"), request.url.path)


async def _on_trouble(request: Request, error: Any) -> Response:
    return as_problem(Problem(503, "unavailable", str(error)), request.url.path)


async def _on_fault(request: Request, error: Any) -> Response:
    return as_problem(fault(), request.url.path)


_HANDLERS: dict[Any, Any] = {
    Problem: _on_problem,
    HTTPException: _on_status,
    RequestValidationError: _on_parameter,
    PerceptronError: _on_trouble,
    Exception: _on_fault,
}

"""What is answered: JSON, and a problem as its reason and a message, never a traceback."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import Response

JSON = "application/json"

_encode = msgspec.json.Encoder().encode


class Problem(Exception):
    """A request that can't be answered: the status, and what the caller is told."""

    def __init__(
        self, status: int, reason: str, message: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, reason, message)
        self.status = status
        self.message = message
        self.headers = headers
        self.body: dict[str, Any] = {"reason": reason, "message": message}

    def at(self, index: int) -> Problem:
        """Return it with the place of what is at fault in an array."""
        self.body["index"] = index
        return self


def as_json(data: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return plain data as a response; what is no number is null."""
    return Response(_encode(data), status, headers, JSON)


def as_problem(problem: Problem, path: str) -> Response:
    """Return a problem in the form of the protocol that ``path`` belongs to."""
    is_v2 = path == "/v2" or path.startswith("/v2/")
    body = {"error": problem.message} if is_v2 else problem.body
    return as_json(body, problem.status, problem.headers)


def problem_of(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Problem:
    """Return the problem behind a status that the framework gives, such as 404 and 405."""
    reason = HTTPStatus(status).phrase.lower().replace(" ", "_").replace("-", "_")
    return Problem(status, reason, detail, headers)


def fault() -> Problem:
    """Return the problem that is our own: the caller learns nothing of it."""
    return Problem(500, "internal_error", "this is a fault of the server; its log says more")


def no_model() -> Problem:
    """Return the problem of a model that has no commit yet."""
    return Problem(503, "no_model", "nothing is committed yet: there is no model to ask")

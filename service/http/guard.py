"""What stands before every route: who may ask, how much may come, and what no answer goes without.

Do: refuse. Do not: know what is asked for.
"""

from __future__ import annotations

import hmac
import logging
import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.http.replies import Problem, as_problem, fault

log = logging.getLogger("perceptron")

OPEN_PATHS = re.compile(r"/health/(live|ready)|/v2/health/(live|ready)|/|/docs|/static/[^/]+")
"""What needs no token: whether it lives, and pages that hold no data."""

MAX_HEADER_BYTES = 16_384

LOCAL_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})

_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[^:\[\]]*)(:\d+)?")

HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"cross-origin-resource-policy": b"same-origin",
    # Only the page's own files, with neither scripts nor styles inside of pages: Plotly needs none from 7 on.
    b"content-security-policy": b"default-src 'none'; script-src 'self'; connect-src 'self'; "
    b"style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    b"frame-ancestors 'none'",
    b"cache-control": b"no-store",
}


class Guard:
    """Wraps the application.

    Parameters
    ----------
    app
        The application.
    token
        What callers must show; None where only this machine can call.
    host
        The address that is listened on, by which callers may name it.
    max_body_bytes
        Larger bodies are refused before they are read, or as soon as it shows.
    """

    def __init__(self, app: ASGIApp, token: str | None, host: str, max_body_bytes: int) -> None:
        self._app = app
        self._token = None if token is None else token.encode()
        self._names = LOCAL_NAMES | {host.lower()}
        self._max_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        answer = _Answer(send)
        try:
            headers = dict(scope["headers"])
            _check_size(scope["headers"])
            self._check(scope["path"], headers)
            await self._app(scope, self._bounded(receive), answer.send)
        except Problem as problem:
            await answer.refuse(problem, scope, receive)
        except Exception as error:  # a bug: the log says where
            frame = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{frame.name}, line {frame.lineno}"
            log.error("http: %s %s: %r in %s", scope["method"], scope["path"], error, where)
            await answer.refuse(fault(), scope, receive)

    def _check(self, path: str, headers: Mapping[bytes, bytes]) -> None:
        """Raise for a stranger, and for a body that says itself that it is too large."""
        if self._token is None:
            self._check_host(headers.get(b"host", b"").decode("latin-1").lower())
        elif not OPEN_PATHS.fullmatch(path):
            self._check_token(headers.get(b"authorization", b""))
        length = headers.get(b"content-length", b"0")
        if len(length) > 18 or int(length) > self._max_bytes:  # the protocol lets digits through only
            raise self._too_large()

    def _check_host(self, host: str) -> None:
        """Raise for a name that is not ours: a page from elsewhere may have pointed its own at us."""
        named = _HOST.fullmatch(host)
        if named is None or named[1] not in self._names:
            raise Problem(
                403, "wrong_host", f"Host is {host!r:.100}; without a token only localhost is answered to"
            )

    def _check_token(self, shown: bytes) -> None:
        scheme, _, token = shown.partition(b" ")
        is_right = hmac.compare_digest(token.strip(), self._token or b"")
        if scheme.lower() != b"bearer" or not is_right:
            raise Problem(
                401,
                "unauthorized",
                "Authorization: Bearer TOKEN was expected, with the token of http.token",
                {"www-authenticate": 'Bearer realm="perceptron"'},
            )

    def _bounded(self, receive: Receive) -> Receive:
        """Return ``receive`` that raises where more comes than may."""
        received = 0

        async def bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_bytes:
                raise self._too_large()
            return message

        return bounded

    def _too_large(self) -> Problem:
        message = f"the body is larger than http.max_body_bytes, {self._max_bytes:,} bytes"
        return Problem(413, "too_large", message, {"connection": "close"})


def _check_size(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raise for headers that came in one piece and are too long; the protocol minds those that trickle."""
    if sum(len(name) + len(value) for name, value in headers) > MAX_HEADER_BYTES:
        message = f"the headers are longer than {MAX_HEADER_BYTES:,} bytes"
        raise Problem(431, "headers_too_large", message, {"connection": "close"})


class _Answer:
    """Sends a response with the headers that every one has."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._has_begun = False
        self._is_complete = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self._has_begun = True
            given = {name.lower() for name, _ in message["headers"]}
            added = [(name, value) for name, value in HEADERS.items() if name not in given]
            message = {**message, "headers": [*message["headers"], *added]}
        await self._send(message)
        self._is_complete = message["type"] == "http.response.body" and not message.get("more_body")

    async def refuse(self, problem: Problem, scope: Scope, receive: Receive) -> None:
        """Answer with a problem, unless another answer is on its way: that can only be cut off."""
        if not self._has_begun:
            await as_problem(problem, scope["path"])(scope, receive, self.send)
        elif not self._is_complete:
            raise ConnectionAbortedError("cut off in the middle of an answer")

"""HTTP/1.1 with bounds: connections, the time a request may take to come, the time an answer may take to go.

A connection is cut, not argued with: whoever sends a byte a second, or reads none, costs a file descriptor
for that long and nothing else.
"""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

import h11
import msgspec
from uvicorn.protocols.http.h11_impl import H11Protocol

STUCK_S = 30.0
"""How long an answer may wait for its reader."""


class BoundedProtocol(H11Protocol):
    """A connection; :func:`bounded` says within which bounds."""

    max_connections: ClassVar[int]
    timeout_s: ClassVar[float]

    _deadline: asyncio.TimerHandle | None = None
    _stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, unless there are as many as may be."""
        if len(self.connections) >= self.max_connections:
            self.transport = transport
            transport.abort()
            return
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_watching()
        self._unset_keepalive_if_required()
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        if self.timeout_keep_alive_task is not None:  # the first ones of a further request
            self._stop_watching()
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        """Go on with the next request; not where the rest of an answered one is still coming."""
        if self.conn.their_state is h11.SEND_BODY:
            self.transport.close()
        super().on_response_complete()
        self._watch()

    def pause_writing(self) -> None:
        """Wait for a reader, but not for ever."""
        self._stuck = self._stuck or self.loop.call_later(STUCK_S, self.transport.abort)
        super().pause_writing()

    def resume_writing(self) -> None:
        """Go on writing."""
        self._stop_waiting()
        super().resume_writing()

    def _stop_waiting(self) -> None:
        """Stop the clock of an answer that waits for its reader."""
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, unless an answer is under way already."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        body = msgspec.json.encode({"reason": "bad_request", "message": msg})
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("connection", "close"),
        ]
        for event in (h11.Response(status_code=400, headers=headers), h11.Data(body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _watch(self) -> None:
        """Let the clock run while a request is awaited or is coming, not while it is being answered."""
        if self.transport.is_closing() or self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._stop_watching()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(self.timeout_s, self.transport.abort)

    def _stop_watching(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def bounded(max_connections: int, timeout_s: float) -> type[BoundedProtocol]:
    """Return the protocol with these bounds."""
    bounds: dict[str, Any] = {"max_connections": max_connections, "timeout_s": timeout_s}
    return type("Bounded", (BoundedProtocol,), bounds)

"""Kafka's wire: frames in, requests out, and back, by kafka-python's own description of the protocol."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"


@dataclass(frozen=True)
class Api:
    """A kind of request with its response, up to a version that both clients speak."""

    request: Any
    response: Any
    min_version: int
    max_version: int

    @property
    def name(self) -> str:
        return str(self.request.name).removesuffix("Request")


class Node:
    """One listener; ``answer`` is asked on the thread of each connection, in the order of its requests."""

    def __init__(self, apis: dict[int, Api], answer: Callable[[Api, Any], Any]) -> None:
        self._apis = apis
        self._answer = answer
        self._sockets: list[socket.socket] = []
        node = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                node._sockets.append(self.request)
                node._serve(self.request)

        self._server = socketserver.ThreadingTCPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        """Take no more connections, and cut those that are there."""
        self._server.shutdown()
        self._server.server_close()
        for connection in self._sockets:
            connection.close()

    def _serve(self, connection: socket.socket) -> None:
        try:
            while frame := self._read(connection):
                connection.sendall(self._reply(frame))
        except OSError:
            pass  # the client, or the test, has gone

    @staticmethod
    def _read(connection: socket.socket) -> bytes:
        with connection.makefile("rb", buffering=0) as stream:
            size = _exactly(stream, 4)
            return _exactly(stream, *struct.unpack(">i", size)) if size else b""

    def _reply(self, frame: bytes) -> bytes:
        key, version, correlation_id = struct.unpack_from(">hhi", frame)
        api = self._apis[key]
        response = self._answer(api, api.request.decode(frame, version=version, header=True))
        response.API_VERSION = version
        response.with_header(correlation_id=correlation_id)
        return bytes(response.encode(header=True, framed=True))


def _exactly(stream: Any, count: int) -> bytes:
    """Read so many bytes; none where the other side has closed."""
    data = b""
    while len(data) < count:
        if not (more := stream.read(count - len(data))):
            return b""
        data += more
    return data

"""A token server for OAUTHBEARER on this machine: whoever knows the secret gets an unsigned token."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus


class TokenServer(ThreadingHTTPServer):
    """Gives tokens by the client credentials grant; ``asked`` notes each form that was sent."""

    def __init__(self, secret: str, life_s: int = 300) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.secret = secret
        self.life_s = life_s
        self.asked: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, str], bytes] | None = None  # in the place of a token

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/token"


class Answer(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.server.asked.append(form)
        scheme, _, login = self.headers["Authorization"].partition(" ")
        name, _, secret = base64.b64decode(login).decode().partition(":")
        if self.server.answer is not None:
            self._say(*self.server.answer)
        elif (scheme, unquote_plus(secret), form["grant_type"]) == (
            "Basic",
            self.server.secret,
            ["client_credentials"],
        ):
            token = {"access_token": token_of(unquote_plus(name), self.server.life_s), "token_type": "bearer"}
            self._say(200, {}, json.dumps({**token, "expires_in": self.server.life_s}).encode())
        else:
            self._say(401, {}, b'{"error": "invalid_client"}')

    def _say(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": "application/json",
            "Content-Length": str(len(body)),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Say nothing."""


def token_of(name: str, life_s: int) -> str:
    """Return an unsigned token (RFC 7519, 6), which a broker takes unless it is told of an authority."""
    now = int(time.time())
    parts = {"alg": "none"}, {"sub": name, "iat": now, "exp": now + life_s}
    texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*texts, ""])


@contextmanager
def token_server(secret: str, life_s: int = 300, tls: ssl.SSLContext | None = None) -> Iterator[TokenServer]:
    """Yield a running token server."""
    with TokenServer(secret, life_s) as server:
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

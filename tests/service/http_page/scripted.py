"""A server of the dashboard that says what a test wants said: for states that are hard to bring about."""

from __future__ import annotations

import json
import mimetypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
from typing import Any

STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'"


def a_state(**changed: Any) -> dict[str, Any]:
    """Return what a learner says of itself that is ready, and has learned something long ago."""
    metrics = {"samples": 1250.0, "accuracy": 0.896, "log_loss": 0.26}
    return {
        "model": "phishing", "task": "binary", "role": "owner", "ready": True, "reason": "",
        "version": 1250, "sequence": 12, "hash": "0123456789abcdef0123", "at": "2020-01-01T00:00:00+00:00",
        "records": 1250, "commits": 12, "predicted": 1250, "rejected": {},
        "metrics": metrics, "windows": {"1m": metrics, "5m": metrics}, "commit_ms": 4.0, "batch_ms": 5.0,
        "lag": {"phishing.samples/0": 0}, "age_s": {"phishing.samples/0": 0.0},
        "features": 9, "model_bytes": 2000, "weights": [["a", 1.0], ["b", -0.5]], "letters": {},
        "takeovers": 1, "rebalances": 1, "recoveries": {}, "stream": "sqlite:perceptron.db",
        "client": "sqlite", "uptime_s": 60.0, **changed,
    }  # fmt: skip


@dataclass
class Script:
    """What the server answers from now on."""

    address: str = ""
    state: dict[str, Any] = field(default_factory=a_state)
    token: str | None = None
    has_answers: bool = True
    has_events: bool = True
    is_silent: bool = False  # the stream stays open, but nothing comes
    is_over: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)


@contextmanager
def scripted(**script: Any) -> Iterator[Script]:
    """Serve until the end of the block."""
    said = Script(**script)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(said))
    server.daemon_threads = True
    said.address = f"http://127.0.0.1:{server.server_address[1]}"
    serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    serving.start()
    try:
        yield said
    finally:
        said.is_over.set()
        server.shutdown()
        serving.join()
        server.server_close()


def _handler(said: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            said.asked.append(self.path)
            if self.path in ("/state", "/events"):
                self._data()
            elif content := _static(self.path):
                self._answer(200, mimetypes.guess_type(self.path)[0] or "text/html", content)
            else:
                self._answer(404, "text/plain", b"")

        def _data(self) -> None:
            if said.token and self.headers["Authorization"] != f"Bearer {said.token}":
                self._answer(401, "application/json", b"{}")
            elif self.path == "/state" and said.has_answers:
                self._answer(200, "application/json", json.dumps(said.state).encode())
            elif self.path == "/events" and said.has_events:
                self._events()
            else:
                self._answer(404, "application/json", b"{}")

        def _events(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            while not said.is_over.wait(0.1):
                if not said.is_silent:
                    self.wfile.write(b"event: state\ndata: " + json.dumps(said.state).encode() + b"\n\n")
                    self.wfile.flush()

        def _answer(self, status: int, kind: str, content: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Content-Security-Policy", STRICT)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *told: Any) -> None:
            pass

        def handle(self) -> None:
            with suppress(BrokenPipeError, ConnectionResetError):  # the browser has gone
                super().handle()

    return Handler


def _static(path: str) -> bytes | None:
    name = {"/": "index.html"}.get(path, path.removeprefix("/static/"))
    where = files("plotly") / "package_data" if name == "plotly.min.js" else files("service") / "http/page"
    file = where / name
    return file.read_bytes() if "/" not in name and file.is_file() else None

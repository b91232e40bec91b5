"""Serving HTTP beside an engine: on a thread of its own, begun when the engine is at work.

The address is taken, and what is wrong with it said, before the engine starts; FastAPI and uvicorn are
imported after its first commit, so that the first prediction does not wait for them.

Do: listen, start, end. Do not: know a route.
"""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from service.board import Board
from service.errors import ConfigurationError
from service.http.later import Later
from service.observer import Commit, Observer, Observers, Role
from service.settings import HttpSettings, Settings, check_token
from service.streams.port import Partition

if TYPE_CHECKING:
    from uvicorn.server import Server

    from service.http.metrics import Metrics

log = logging.getLogger("perceptron")

PACKAGES = ("fastapi", "uvicorn", "prometheus_client", "plotly")
HEAD_START_S = 2.0
"""How long the engine may take to its first commit before it is served all the same."""
END_S = 3.0
GRACE_S = 1
BACKLOG = 512
KEEP_ALIVE_S = 5


class Served(NamedTuple):
    """What an engine has to tell, and where it is served; None where it is not."""

    observer: Observer
    address: str | None


@contextmanager
def serving(settings: Settings, client: str) -> Iterator[Served]:
    """Serve what the observer is told, where that is wanted and can be done; else just go on.

    Raises
    ------
    ConfigurationError
        It was asked for expressly and can't be done.
    """
    token = _token(settings.http)
    listener = _listener(settings.http)
    if listener is None:
        yield Served(Observer(), None)
        return
    address = _address(settings.http.host, listener.getsockname()[1])
    log.info("http: %s", address)
    with listener, _Beside(settings, client, token, listener) as beside:
        yield Served(beside.observer, address)


class _Beside:
    """The server and its thread."""

    def __init__(self, settings: Settings, client: str, token: str | None, listener: socket.socket) -> None:
        self._board = Board(settings)
        self._metrics = Later()
        self._client = client
        self._token = token
        self._listener = listener
        self._begin = threading.Event()
        self._ended = False
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._serve, name="http", daemon=True)
        self.observer = Observers(self._board, self._metrics, _FirstWork(self._begin))

    def __enter__(self) -> _Beside:
        self._thread.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._ended = True
        self._begin.set()
        if self._server is not None:  # else it is still being imported, and nobody is being answered
            self._server.should_exit = True
            self._thread.join(END_S)

    def _serve(self) -> None:
        self._begin.wait(HEAD_START_S)
        if self._ended:
            return
        try:
            self._server = self._new_server()
            self._server.should_exit = self._ended
            self._server.run(sockets=[self._listener])
        except Exception as error:  # whatever it is, learning goes on
            log.error("http: not served: %s: %s", type(error).__name__, error)
            self._metrics.become(Observer())  # else they would be kept for ever

    def _new_metrics(self) -> Metrics:
        from service.http.metrics import Metrics

        metrics = Metrics(self._board, self._client)
        self._metrics.become(metrics)
        return metrics

    def _new_server(self) -> Server:
        metrics = self._new_metrics()  # first: until then what they are told is kept

        from uvicorn.config import Config
        from uvicorn.server import Server

        from service.http.app import new_app
        from service.http.guard import MAX_HEADER_BYTES
        from service.http.limits import bounded

        http = self._board.settings.http
        app = new_app(
            self._board,
            metrics,
            token=self._token,
            client=self._client,
            is_closing=lambda: self._ended,
        )
        protocol = bounded(http.max_connections, http.request_timeout_s)
        return Server(
            Config(
                app,
                http=protocol,
                loop="asyncio",
                ws="none",
                lifespan="off",
                log_config=None,
                log_level=logging.CRITICAL,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                h11_max_incomplete_event_size=MAX_HEADER_BYTES,
                timeout_keep_alive=KEEP_ALIVE_S,
                timeout_graceful_shutdown=GRACE_S,
            )
        )


class _FirstWork(Observer):
    """Sets an event once the engine has done, or found it can't do, its first work."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def on_role(self, role: Role, reason: str) -> None:
        """Take a standby as at work."""
        if role == "standby":
            self._event.set()

    def on_commit(self, commit: Commit) -> None:
        """Take in a commit."""
        self._event.set()

    def on_idle(self, lags: Mapping[Partition, int]) -> None:
        """Take in that there is nothing to do."""
        self._event.set()

    def on_recovery(self, failure: str) -> None:
        """Take in that it can't work as yet."""
        self._event.set()


def _token(http: HttpSettings) -> str | None:
    """Return the token, from the settings or from its file."""
    if http.token is not None:
        return http.token.get_secret_value()
    if http.token_file is None or not http.enabled:
        return None
    try:
        token = Path(http.token_file).read_text(encoding="utf-8").strip()
        check_token(token)
    except (OSError, ValueError) as error:
        what = getattr(error, "strerror", None) or str(error)
        what = "it is not text" if isinstance(error, UnicodeError) else what
        raise ConfigurationError(f"http.token_file: {http.token_file} can't be used: {what}") from None
    return token


def _listener(http: HttpSettings) -> socket.socket | None:
    """Return the socket that listens, None where nothing is to be served."""
    if not http.enabled:
        return None
    if missing := [package for package in PACKAGES if find_spec(package) is None]:
        message = (
            f'{", ".join(missing)} not installed: pip install "perceptron-stream[http]" brings the dashboard'
        )
        if http.model_fields_set:
            raise ConfigurationError(f"http is set, but {message}; or set http.enabled to false")
        log.info("http: not served: %s", message)
        return None
    try:
        return _listening(http.host, http.port)
    except OSError as error:
        what = f"http.host {http.host}, http.port {http.port}: {error.strerror or error}"
        advice = "choose another http.port (0 takes any that is free), or set http.enabled to false"
        if {"host", "port"} & http.model_fields_set:
            raise ConfigurationError(f"{what}; {advice}") from None
        log.warning("http: not served: %s; %s", what, advice)
        return None


def _listening(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, _, _, _, address = min(found, key=lambda place: place[0] != socket.AF_INET)
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # else asyncio lets answers wait
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except BaseException:
        listener.close()
        raise
    return listener


def _address(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"

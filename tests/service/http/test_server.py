"""The real server: beside the engine, within its bounds, gone with it."""

from __future__ import annotations

import contextlib
import json
import logging
import re
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.errors import ConfigurationError
from service.http.server import _listening, serving
from service.settings import HttpSettings
from tests.contracts.rig import wait_until
from tests.corpus import settings
from tests.service.command_line import perceptron, running
from tests.service.http.rig import SAMPLE, TOKEN, served

DEADLINE_S = 60.0
HTTP_ON = {"PERCEPTRON_HTTP__ENABLED": "true", "PERCEPTRON_HTTP__PORT": "0"}


def place_of(address: str) -> tuple[str, int]:
    host, port = address.removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def is_cut(connection: socket.socket) -> bool:
    """Whether the other side ends a connection, within the deadline."""
    connection.settimeout(DEADLINE_S)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except ConnectionError:
        pass
    return True


def is_live(address: str) -> bool:
    try:
        return httpx.get(f"{address}/health/live", timeout=DEADLINE_S).status_code == 200
    except httpx.TransportError:
        return False


def trickle(connection: socket.socket, begin: bytes, byte: bytes, stop: threading.Event) -> None:
    """Send a byte now and then until the other side has had enough."""
    with contextlib.suppress(OSError):
        connection.sendall(begin)
        while not stop.wait(0.05):
            connection.sendall(byte)


def pour(connection: socket.socket, begin: bytes, chunk: bytes) -> None:
    """Send chunk after chunk, as fast as the other side lets them in."""
    connection.sendall(begin)
    for _ in range(10_000):
        connection.sendall(chunk)


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


@pytest.mark.parametrize(
    ("begin", "byte"),
    [
        (b"", b"\n"),
        (b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n", b"x"),
        (b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
         b"content-length: 1000\r\n\r\n", b" "),
        (b"POST /predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
         b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        (b"GET /health/live HTTP/1.1\r\nhost: localhost\r\n\r\n" * 2, b"G"),
    ],
    ids=["nothing", "headers", "body", "chunks", "after an answer"],
)  # fmt: skip
def test_a_request_that_trickles_in_is_cut(
    tmp_path: Path, begin: bytes, byte: bytes, stop: threading.Event
) -> None:
    with served(tmp_path, request_timeout_s=0.5) as address:
        assert is_live(address)
        with socket.create_connection(place_of(address)) as connection:
            threading.Thread(target=trickle, args=(connection, begin, byte, stop), daemon=True).start()
            assert is_cut(connection)
        assert is_live(address)


def test_a_connection_that_says_nothing_is_cut(tmp_path: Path) -> None:
    with served(tmp_path, request_timeout_s=0.5) as address:
        wait_until(lambda: is_live(address), DEADLINE_S)
        with socket.create_connection(place_of(address)) as connection:
            assert is_cut(connection)


def test_a_body_that_is_too_large_is_refused_and_not_read(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        said = {"content-type": "application/json"}
        answer = httpx.post(f"{address}/predict", content=b"x" * 2_000_000, headers=said, timeout=DEADLINE_S)
        assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
        with socket.create_connection(place_of(address)) as connection:
            endless = b"POST /nothing HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n"
            connection.settimeout(DEADLINE_S)
            with pytest.raises(OSError, match=r"reset|[Bb]roken pipe"):  # the answer does not wait for it
                pour(connection, endless, b"10000\r\n" + b"x" * 65536 + b"\r\n")
        assert is_live(address)


def test_headers_have_a_bound(tmp_path: Path) -> None:
    with served(tmp_path) as address:
        answer = httpx.get(f"{address}/state", headers={"x": "x" * 40_000}, timeout=DEADLINE_S)
        assert (answer.status_code, answer.json()["reason"]) == (431, "headers_too_large")
        answer = httpx.get(f"{address}/state", headers={"x": "x" * 2_000_000}, timeout=DEADLINE_S)
        assert (answer.status_code, answer.json()["reason"]) == (400, "bad_request")


def test_connections_have_a_bound_and_it_answers_afterwards(tmp_path: Path) -> None:
    with served(tmp_path, max_connections=20, request_timeout_s=DEADLINE_S) as address:
        assert is_live(address)
        with contextlib.ExitStack() as opened:
            crowd = [
                opened.enter_context(socket.create_connection(place_of(address), DEADLINE_S))
                for _ in range(300)
            ]
            wait_until(lambda: sum(map(is_ended, crowd)) >= 280, DEADLINE_S)
            assert sum(map(is_ended, crowd)) < 300
            assert not is_live(address)
        wait_until(lambda: is_live(address), DEADLINE_S)


def is_ended(connection: socket.socket) -> bool:
    """Whether the other side has ended a connection by now."""
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_a_reader_that_does_not_read_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.http.limits.STUCK_S", 0.2)
    with served(tmp_path) as address:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(place_of(address))
            request = b"GET /static/plotly.min.js HTTP/1.1\r\nhost: localhost\r\n\r\n"
            connection.sendall(request)
            wait_until(lambda: is_broken(connection), DEADLINE_S)
        assert is_live(address)


def is_broken(connection: socket.socket) -> bool:
    """Whether nothing can be sent any more; nothing is read."""
    try:
        connection.send(b"x")
    except OSError:
        return True
    return False


def test_what_is_no_http_is_answered_in_json(tmp_path: Path) -> None:
    with served(tmp_path) as address, socket.create_connection(place_of(address), DEADLINE_S) as connection:
        connection.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
        assert answer.startswith(b"HTTP/1.1 400")
        assert json.loads(answer.split(b"\r\n\r\n")[1])["reason"] == "bad_request"


def events_of(address: str, count: int, **how: Any) -> list[dict[str, Any]]:
    """Return the first events of the stream."""
    found: list[dict[str, Any]] = []
    with httpx.stream("GET", f"{address}/events", timeout=DEADLINE_S, **how) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        event: dict[str, Any] = {}
        for line in answer.iter_lines():
            name, _, value = line.partition(": ")
            if name:
                event[name] = value
            elif event:
                found.append({**event, "data": json.loads(event["data"])})
                event = {}
            if len(found) == count:
                return found
    return found


def test_events_tell_the_state_at_once_and_as_it_changes(tmp_path: Path) -> None:
    with served(tmp_path, token=TOKEN) as address:
        bearer = {"authorization": f"Bearer {TOKEN}"}
        wait_until(lambda: health(address) == (200, "owner"), DEADLINE_S)
        started = time.monotonic()
        first, *others = events_of(address, 4, headers=bearer)
        assert time.monotonic() - started > 3 * 0.2  # at most four a second
        assert first["event"] == "state"
        state = first["data"]
        assert first["id"] == str(state["sequence"])
        assert (state["role"], state["ready"], state["model"]) == ("owner", True, "corpus")
        assert state["records"] == 400
        assert sum(state["rejected"].values()) + state["predicted"] == 400
        assert len(state["weights"]) == 12
        assert state["letters"].keys() == state["rejected"].keys()
        assert others[-1]["data"]["uptime_s"] > state["uptime_s"]
        assert httpx.get(f"{address}/state", headers=bearer).json().keys() == state.keys()


def test_streams_of_events_leave_room_for_questions(tmp_path: Path) -> None:
    with served(tmp_path, max_connections=8) as address, contextlib.ExitStack() as opened:
        for _ in range(2):
            answer = opened.enter_context(httpx.stream("GET", f"{address}/events", timeout=DEADLINE_S))
            lines = opened.enter_context(contextlib.closing(answer.iter_lines()))
            assert next(lines).startswith("id: ")
        refused = httpx.get(f"{address}/events", timeout=DEADLINE_S)
        assert (refused.status_code, refused.json()["reason"]) == (503, "too_many_streams")
        assert is_live(address)


def test_an_open_stream_of_events_ends_with_the_engine(tmp_path: Path) -> None:
    ended = threading.Event()

    def listen(address: str) -> None:
        with contextlib.suppress(httpx.TransportError):
            events_of(address, 10_000)
        ended.set()

    with served(tmp_path) as address:
        assert is_live(address)
        threading.Thread(target=listen, args=[address], daemon=True).start()
        events_of(address, 1)
    assert ended.wait(DEADLINE_S)


# Starting


def test_answers_do_not_wait_for_acknowledgements() -> None:
    with _listening("127.0.0.1", 0) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # of others asyncio does not set TCP_NODELAY: 40 ms each


def test_a_port_that_is_taken_is_gone_without_unless_it_was_asked_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"http.port {port}.*choose another"):
            serving(settings(http={"port": port}), "sqlite").__enter__()
        by_default = {**HttpSettings().model_dump(), "port": port}
        taken = settings(http=HttpSettings.model_construct(_fields_set=set(), **by_default))
        with caplog.at_level(logging.WARNING), serving(taken, "sqlite") as beside:
            assert beside.address is None
        assert re.search(rf"not served.*http.port {port}", caplog.text)


def test_without_the_extra_learning_goes_on_unless_http_was_asked_for(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("service.http.server.find_spec", lambda name: None)
    with caplog.at_level(logging.INFO), serving(settings(), "sqlite") as beside:
        assert beside.address is None
    assert "perceptron-stream[http]" in caplog.text
    with pytest.raises(ConfigurationError, match="http is set, but fastapi"):
        serving(settings(http={"port": 0}), "sqlite").__enter__()
    with serving(settings(http={"enabled": False}), "sqlite") as beside:
        assert beside.address is None


def test_a_token_file_holds_the_token_or_is_named(tmp_path: Path) -> None:
    file = tmp_path / "token"
    with pytest.raises(ConfigurationError, match=r"http\.token_file.*No such file"):
        serving(settings(http={"token_file": str(file), "port": 0}), "sqlite").__enter__()
    file.write_text("short\n")
    with pytest.raises(ConfigurationError, match="16 or more") as refused:
        serving(settings(http={"token_file": str(file), "port": 0}), "sqlite").__enter__()
    assert "short" not in str(refused.value)
    file.write_text(f"{TOKEN}\n")
    with served(tmp_path, token_file=str(file)) as address:
        assert httpx.get(f"{address}/state", timeout=DEADLINE_S).status_code == 401
        bearer = {"authorization": f"Bearer {TOKEN}"}
        assert httpx.get(f"{address}/state", headers=bearer, timeout=DEADLINE_S).status_code == 200


def test_others_are_let_in_with_a_token_only(tmp_path: Path) -> None:
    words = ("--set", "http.host=0.0.0.0", "--set", "http.enabled=true")
    refused = perceptron(tmp_path, "run", *words, code=2, variables=HTTP_ON)
    assert b"http.token_file" in refused.stderr


def test_the_token_is_never_shown(tmp_path: Path) -> None:
    variables = {**HTTP_ON, "PERCEPTRON_HTTP__TOKEN": TOKEN}
    ran = perceptron(tmp_path, "run", "--until-end", variables=variables)
    shown = perceptron(tmp_path, "config", "show", "--json", variables=variables)
    short = perceptron(tmp_path, "config", "show", code=2, variables={"PERCEPTRON_HTTP__TOKEN": "hush"})
    typed = perceptron(tmp_path, "config", "show", "--set", f"http.token={TOKEN}", code=2)
    for said in (ran, shown, short, typed):
        assert TOKEN.encode() not in said.stdout + said.stderr
        assert b"hush" not in said.stdout + said.stderr
    assert b"http.token" in short.stderr
    assert b"PERCEPTRON_HTTP__TOKEN" in typed.stderr


# As a user runs it


def said_address(process: Any) -> str:
    """Return the address that a learner logs; the rest of what it says is read away."""
    address = next(
        match[1] for line in process.stderr if (match := re.search(r"http: (http://\S+)", line.decode()))
    )
    threading.Thread(target=process.stderr.read, daemon=True).start()
    return str(address)


def test_a_learner_and_its_standby_are_ready_and_end_on_a_signal(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing")
    with running(tmp_path, "run", variables=HTTP_ON) as owner:
        address = said_address(owner)
        wait_until(lambda: health(address) == (200, "owner"), DEADLINE_S)
        answer = httpx.post(f"{address}/predict", json=SAMPLE, timeout=DEADLINE_S)
        assert answer.json()["version"] == 1250
        with running(tmp_path, "run", variables=HTTP_ON) as standby:
            beside = said_address(standby)
            wait_until(lambda: health(beside) == (200, "standby"), DEADLINE_S)
            again = httpx.post(f"{beside}/predict", json=SAMPLE, timeout=DEADLINE_S)
            assert again.json() == answer.json()
            owner.send_signal(signal.SIGTERM)
            assert owner.wait(DEADLINE_S) == 0
            wait_until(lambda: health(beside) == (200, "owner"), DEADLINE_S)
            standby.send_signal(signal.SIGTERM)
            assert standby.wait(DEADLINE_S) == 0


def health(address: str) -> tuple[int, str] | None:
    try:
        answer = httpx.get(f"{address}/health/ready", timeout=DEADLINE_S)
    except httpx.TransportError:
        return None
    return answer.status_code, answer.json()["role"]

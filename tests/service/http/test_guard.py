"""Who may ask, and what no answer goes without."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.service.http.rig import RECORDS, SAMPLE, TOKEN, Bench, bench

OPEN = (
    "/health/live",
    "/health/ready",
    "/v2/health/live",
    "/v2/health/ready",
    "/",
    "/docs",
    "/static/app.js",
)
CLOSED = ("/model", "/state", "/events", "/metrics", "/openapi.json", "/v2", "/v2/models/corpus", "/nothing")
BEARER = {"authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        made.learn([case.value for case in RECORDS[:50]])
        yield made


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, token=TOKEN) as made:
        made.learn([case.value for case in RECORDS[:50]])
        made.board.on_role("owner", "")
        yield made


@pytest.mark.parametrize("path", OPEN)
def test_health_and_the_page_without_data_need_no_token(locked: Bench, path: str) -> None:
    assert locked.http.get(path).status_code == 200


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize(
    "shown",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        f"Basic {TOKEN}",
        TOKEN,
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        "Bearer ü",
    ],
)
def test_everything_else_does(locked: Bench, path: str, shown: str | None) -> None:
    headers = {} if shown is None else {"authorization": shown.encode("latin-1")}
    answer = locked.http.get(path, headers=headers, params={"token": TOKEN})
    assert (answer.status_code, answer.json()["reason" if "/v2" not in path else "error"] != "") == (
        401,
        True,
    )
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert TOKEN not in answer.text


def test_with_the_token_they_answer_whatever_name_is_called(locked: Bench) -> None:
    for path in ("/model", "/state", "/metrics", "/openapi.json", "/v2/models/corpus"):
        assert locked.http.get(path, headers={**BEARER, "host": "learner.example"}).status_code == 200
    assert locked.ask(SAMPLE, headers=BEARER).status_code == 200
    assert locked.ask(SAMPLE).status_code == 401


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]", "[::1]:8080"])
def test_without_a_token_this_machine_is_answered(desk: Bench, host: str) -> None:
    assert desk.http.get("/state", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["evil.example", "localhost.evil.example", "127.0.0.1.nip.io:80", "localhost@x", ""]
)
def test_without_a_token_a_page_that_points_its_own_name_here_is_not(desk: Bench, host: str) -> None:
    for path in ("/state", "/", "/health/live"):
        answer = desk.http.get(path, headers={"host": host})
        assert (answer.status_code, answer.json()["reason"]) == (403, "wrong_host")


def test_every_answer_carries_the_headers_of_a_careful_server(desk: Bench) -> None:
    answers = [
        desk.http.get(path) for path in ("/", "/state", "/nothing", "/static/app.js", "/model?limit=x")
    ]
    answers.append(desk.http.get("/state", headers={"host": "evil.example"}))
    for answer in answers:
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe" not in policy
        assert answer.headers["cache-control"] in ("no-store", "no-cache")
        assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "reason"),
    [
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/static/nothing.js", 404, "not_found"),
        ("GET", "/static/..%2Fapp.py", 404, "not_found"),
        ("GET", "/static/%2e%2e/app.py", 404, "not_found"),
        ("GET", "/state/", 404, "not_found"),
        ("GET", "/predict", 405, "method_not_allowed"),
        ("DELETE", "/model", 405, "method_not_allowed"),
        ("OPTIONS", "/predict", 405, "method_not_allowed"),
    ],
)
def test_what_is_not_there_is_said_in_json(
    desk: Bench, method: str, path: str, status: int, reason: str
) -> None:
    answer = desk.http.request(method, path)
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["message"]


@pytest.mark.parametrize(
    "kind", [None, "text/plain", "application/x-www-form-urlencoded", "application/jsonx"]
)
@pytest.mark.parametrize("path", ["/predict", "/v2/models/corpus/infer"])
def test_a_body_that_a_foreign_page_could_send_is_refused(desk: Bench, kind: str | None, path: str) -> None:
    headers = {} if kind is None else {"content-type": kind}
    answer = desk.http.post(path, content=b'{"features": {}}', headers=headers)
    assert answer.status_code == 415
    assert "application/json was expected" in answer.text


def test_a_body_has_a_bound_whether_it_says_its_length_or_not(tmp_path: Path) -> None:
    with bench(tmp_path, http={"max_body_bytes": 1000}) as desk:
        said: dict[str, Any] = {"headers": {"content-type": "application/json"}}
        for body in (b"x" * 1001, iter([b"x" * 600, b"x" * 600])):
            answer = desk.http.post("/predict", content=body, **said)
            assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
        assert desk.http.post("/predict", content=b"x" * 1000, **said).status_code == 400


def test_a_fault_of_our_own_shows_no_traceback(
    desk: Bench, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(type(desk.board), "readiness", lambda board: 1 / 0)
    with caplog.at_level(logging.ERROR):
        answer = desk.http.get("/health/ready")
    assert (answer.status_code, answer.json()["reason"]) == (500, "internal_error")
    assert "ZeroDivision" not in answer.text
    assert "ZeroDivisionError" in caplog.text
    assert "Traceback" not in caplog.text


def test_the_charts_come_from_the_installed_package(desk: Bench) -> None:
    packed = desk.http.get("/static/plotly.min.js", headers={"accept-encoding": "gzip"})
    plain = desk.http.get("/static/plotly.min.js", headers={"accept-encoding": "identity"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.content == plain.content
    assert "plotly.js" in plain.text[:200]
    again = desk.http.get("/static/plotly.min.js", headers={"if-none-match": packed.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_loads_its_own_files_only_and_they_are_there(desk: Bench, path: str) -> None:
    page = desk.http.get(path)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    loaded = re.findall(r'<(?:link|script|img)[^>]+(?:href|src)="([^"]+)"', page.text)
    assert len(loaded) >= 3
    for address in loaded:
        assert address.startswith("/static/")
        assert desk.http.get(address).status_code == 200

"""Alive and ready: what an orchestrator asks, in every state of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from service.model_state import Head
from service.observer import Commit, Role
from tests.service.http.rig import RECORDS, Bench, bench

VALUES = [case.value for case in RECORDS[:50]]
PLACE = ("corpus.samples", 0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def learned(desk: Bench) -> Head:
    desk.learn(VALUES)
    assert desk.board.head is not None
    return desk.board.head


@pytest.mark.parametrize(
    ("role", "reason", "said"),
    [
        ("starting", "", "starting"),
        ("recovering", "Unreachable: nobody answers at b:1", "Unreachable: nobody answers at b:1"),
        ("stopped", "", "stopped"),
        ("standby", "", "no commit to follow yet"),
    ],
)
def test_it_lives_but_is_not_ready(desk: Bench, role: Role, reason: str, said: str) -> None:
    desk.board.on_role(role, reason)
    assert desk.http.get("/health/live").status_code == 200
    answer = desk.http.get("/health/ready")
    assert (answer.status_code, answer.json()) == (503, {"ready": False, "role": role, "reason": said})
    assert desk.http.get("/v2/health/ready").status_code == 503


@pytest.mark.parametrize("role", ["owner", "standby"])
def test_an_owner_and_a_restored_standby_are_ready(desk: Bench, role: Role) -> None:
    learned(desk)
    desk.board.on_role(role, "")
    answer = desk.http.get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"ready": True, "role": role, "reason": ""})
    assert desk.http.get("/v2/models/corpus/ready").json() == {"name": "corpus", "ready": True}


def test_an_owner_that_falls_behind_without_a_commit_is_not_ready(
    desk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = learned(desk)
    desk.board.on_role("owner", "")
    desk.board.on_commit(Commit(head, {}, lags={PLACE: 70}))
    assert desk.http.get("/health/ready").status_code == 200
    monkeypatch.setattr("service.board.STALLED_S", 0.0)
    answer = desk.http.get("/health/ready")
    assert (answer.status_code, answer.json()["role"]) == (503, "owner")
    assert answer.json()["reason"].startswith("70 offsets behind, and no commit for")


def test_prometheus_gets_its_own_format(desk: Bench) -> None:
    learned(desk)
    answer = desk.http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert f"perceptron_model_version {desk.board.head.version}" in answer.text.replace(".0\n", "\n")

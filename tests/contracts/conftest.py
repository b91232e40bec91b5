"""One parametrised fixture: every test of this suite runs on every stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contracts.rig import KINDS, Rig
from tests.faults.simulation.broker import Broker
from tests.faults.simulation.clock import WallClock


def _param(kind: str) -> object:
    return kind if kind in ("sqlite", "simulated") else pytest.param(kind, marks=pytest.mark.kafka)


@pytest.fixture(params=[_param(kind) for kind in KINDS])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Yield a stream of each kind: a fresh file, a fresh model, or names of its own on the one broker."""
    kind = request.param
    if kind == "confluent":
        pytest.importorskip("confluent_kafka", reason="the extra 'fast' is not installed")
    address: Any
    if kind == "sqlite":
        address = str(tmp_path / "stream.db")
    elif kind == "simulated":
        address = Broker(WallClock(0))
    else:
        address = request.getfixturevalue("kafka_bootstrap")
    with contextlib.ExitStack() as closing:
        yield Rig(kind, address, closing)

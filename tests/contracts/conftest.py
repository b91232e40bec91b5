"""One parametrised fixture: every test of this suite runs on every stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contracts.rig import KINDS, Rig


def _param(kind: str) -> object:
    return kind if kind == "sqlite" else pytest.param(kind, marks=pytest.mark.kafka)


@pytest.fixture(params=[_param(kind) for kind in KINDS])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """Yield a stream of each kind: a fresh file, or names of its own on the one broker."""
    kind = request.param
    if kind == "confluent":
        pytest.importorskip("confluent_kafka", reason="the extra 'fast' is not installed")
    address = str(tmp_path / "stream.db") if kind == "sqlite" else request.getfixturevalue("kafka_bootstrap")
    with contextlib.ExitStack() as closing:
        yield Rig(kind, address, closing)

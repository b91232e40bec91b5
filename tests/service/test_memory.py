"""What a failure leaves behind is freed, however calm the collector is."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest

from service.engine import Engine
from service.memory import calm_the_collector, give_back
from service.streams.sqlite import SqliteStream
from tests.corpus import cases
from tests.faults.processes import provide
from tests.rig_faults import ABORTED, ScriptedStream
from tests.service.test_engine import CHOSEN


class Circle:
    """Holds itself."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture
def calm() -> Iterator[None]:
    thresholds = gc.get_threshold()
    calm_the_collector()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


@pytest.mark.usefixtures("calm")
def test_circles_are_freed_when_that_is_asked_for() -> None:
    left = weakref.ref(Circle())
    assert left() is not None
    give_back()
    assert left() is None


def test_a_failure_and_a_takeover_are_followed_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)
    with (
        SqliteStream(str(tmp_path / "stream.db"), 1500) as stream,
        patch("service.engine.give_back") as asked,
    ):
        provide(stream, CHOSEN, cases(60))
        Engine(ScriptedStream(stream, [ABORTED]), CHOSEN).run(until_end=True)
    assert asked.call_count == 3  # taken over, failed, taken over again

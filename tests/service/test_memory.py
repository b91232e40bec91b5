"""What a failure leaves behind is freed, however calm the collector is, and goes back to the system."""

from __future__ import annotations

import ctypes
import gc
import os
import platform
import threading
import weakref
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from unittest.mock import patch

import pytest

from service.engine import Engine
from service.memory import KEPT_BYTES, calm_the_collector, give_back, live_long
from service.streams.sqlite import SqliteStream
from tests.corpus import cases
from tests.faults.broker.flat import sample
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


def left_by_a_thread() -> int:
    """Return the bytes that stay with a process of a long life when a thread has used 10 MB, and is over."""
    live_long()
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p

    def fetch() -> None:
        for size in (20_000_000, 10_000_000):  # glibc takes the first for a size to be kept
            block = ctypes.c_void_p(libc.malloc(size))
            ctypes.memset(block, 1, size)
            libc.free(block)

    before = sample(os.getpid()).resident_bytes
    thread = threading.Thread(target=fetch)
    thread.start()
    thread.join()
    give_back()
    return sample(os.getpid()).resident_bytes - before


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have no arenas")
def test_what_a_thread_has_used_is_given_back() -> None:
    with ProcessPoolExecutor(1, get_context("spawn")) as process:  # as it is for good, for all of a process
        assert process.submit(left_by_a_thread).result() < KEPT_BYTES


def test_a_failure_and_a_takeover_are_followed_by_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)
    with (
        SqliteStream(str(tmp_path / "stream.db"), 1500) as stream,
        patch("service.engine.give_back") as asked,
    ):
        provide(stream, CHOSEN, cases(60))
        Engine(ScriptedStream(stream, [ABORTED]), CHOSEN).run(until_end=True)
    assert asked.call_count == 3  # taken over, failed, taken over again

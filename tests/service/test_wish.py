"""A wish can be made from a signal handler, whatever the thread it interrupts is doing."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest

from service.wish import Wish

LINES = range(1, 40)


def wait_interrupted(wish: threading.Event, at: int) -> None:
    """Wait for a wish that is made, as by a signal, before the ``at``-th line that the wait executes."""
    lines = 0

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        if lines == at:
            sys.settrace(None)
            wish.set()
        return trace

    sys.settrace(trace)
    wish.wait(0.1)
    sys.settrace(None)


@pytest.mark.parametrize("at", LINES)
def test_a_wish_made_at_any_moment_of_a_wait_is_heard(at: int) -> None:
    wish = Wish()
    waiting = threading.Thread(target=wait_interrupted, args=[wish, at], daemon=True)
    waiting.start()
    waiting.join(10)
    assert not waiting.is_alive()


def test_a_wait_ends_with_the_wish_or_with_its_time() -> None:
    wish = Wish()
    assert not wish.wait(0.01)
    threading.Timer(0.05, wish.set).start()
    assert wish.wait()
    assert wish.is_set()
    wish.clear()
    assert not wish.is_set()

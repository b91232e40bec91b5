"""How far a command is: one live line on a terminal, a plain log line every few seconds otherwise."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.text import Text

from service.commands.terminal import errors
from service.observer import Commit, Observer

log = logging.getLogger("perceptron")

LINE_EVERY_S = 5.0
RATE_OVER_S = 3.0

SHOWN = {
    "accuracy": ("accuracy {:.2f} %", 100),
    "log_loss": ("log loss {:.4f}", 1),
    "mae": ("MAE {:.4g}", 1),
    "rmse": ("RMSE {:.4g}", 1),
}
"""The metrics in a line of progress: how they are written, and times what."""


class Progress:
    """Shows ``line()`` for as long as it is open, and logs ``last()``, where given, as it closes."""

    def __init__(
        self, line: Callable[[], str], last: Callable[[], str] | None = None, hidden: bool = False
    ) -> None:
        self._line = line
        self._last = last
        self._hidden = hidden
        self._closed = threading.Event()
        self._live: Live | None = None
        self._spinner = Spinner("dots")

    def __enter__(self) -> Self:
        if self._hidden:
            return self
        if errors.is_terminal:
            self._live = Live(
                get_renderable=self._render, console=errors, refresh_per_second=8, transient=True
            )
            self._live.start()
        else:
            threading.Thread(target=self._log_lines, name="progress", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        if self._live is not None:
            self._live.stop()
        if error is None and self._last is not None:
            log.info("%s", self._last())

    def _render(self) -> RenderableType:
        frame = self._spinner.render(time.monotonic())
        return Text.assemble(str(frame), " ", self._line(), no_wrap=True, overflow="ellipsis")

    def _log_lines(self) -> None:
        last = ""
        while not self._closed.wait(LINE_EVERY_S):
            if (line := self._line()) != last:
                log.info("%s", line)
                last = line


class Rate:
    """How many a second, lately and on the whole."""

    def __init__(self) -> None:
        self.count = 0
        self._started = (time.monotonic(), 0)
        self._first: tuple[float, int] | None = None
        self._marks = deque([self._started], maxlen=1000)

    def add(self, count: int) -> None:
        """Take ``count`` more in."""
        self.count += count
        mark = (time.monotonic(), self.count)
        self._first = self._first or mark
        self._marks.append(mark)

    def lately(self) -> float:
        """Return how many a second over the last moments."""
        now, marks = time.monotonic(), list(self._marks)
        since, before = next((mark for mark in marks if mark[0] > now - RATE_OVER_S), (now, self.count))
        return (self.count - before) / max(now - since, 0.1)

    def steady(self) -> float:
        """Return how many a second from the first call to the last; from the start where there was one."""
        latest = self._marks[-1]
        since, before = self._first if self._first not in (None, latest) else self._started
        return (self.count - before) / max(latest[0] - since, 1e-9)


class Watch(Observer):
    """Sees an engine's commits and puts the last one into words."""

    def __init__(self) -> None:
        self.rate = Rate()
        self.last: Commit | None = None

    def on_commit(self, commit: Commit) -> None:
        """Take a commit in."""
        self.last = commit
        self.rate.add(commit.records)

    def line(self) -> str:
        """Return where the model is now."""
        return self._in_words(self.rate.lately())

    def summary(self) -> str:
        """Return where the model is in the end."""
        return self._in_words(self.rate.steady())

    def _in_words(self, speed: float) -> str:
        if self.last is None:
            return "no samples yet"
        head = self.last.head
        parts = [f"version {head.version:,}", f"{speed:,.0f} samples/s", *in_words(self.last.metrics)]
        parts += [f"lag {self.last.lag:,}", f"rejected {sum(head.rejected.values()):,}"]
        return " · ".join(parts)


def in_words(metrics: dict[str, float]) -> list[str]:
    """Return the leading metrics as a person reads them."""
    return [text.format(metrics[name] * factor) for name, (text, factor) in SHOWN.items() if name in metrics]

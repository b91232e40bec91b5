"""A learner in a process of its own, to be killed: says each commit on its output, one JSON line each.

It can be told to strike itself at a labelled point of :mod:`tests.faults.broker.points`: at its start by
``more``, later by a line ``{"trap": [label, passing, signal]}`` on its input.
"""

from __future__ import annotations

import faulthandler
import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from typing import Any

from service.engine import Engine
from service.memory import live_long
from service.observer import Commit
from service.streams.select import open_stream
from tests.corpus import settings
from tests.faults.broker import points
from tests.on_commit import OnCommit


class Life:
    """One life of a learner.

    Parameters
    ----------
    trap
        Label, passing and signal of the point to be struck at.
    reset_from
        As the engine's.
    slow_every
        Take each commit of a number that this divides for a slow one, so that a recovery follows.
    stop_after
        Stop, of its own accord, after so many commits.
    """

    def __init__(
        self,
        chosen: Any,
        trap: points.Trap | None,
        reset_from: str | None = None,
        slow_every: int = 0,
        stop_after: int = 0,
    ) -> None:
        self._chosen = chosen
        self._trap = trap
        self._reset_from = reset_from
        self._slow_every = slow_every
        self._stop_after = stop_after
        self._commits = 0

    def run(self, url: str, client: str, until_end: bool) -> None:
        """Learn the corpus on a stream, until its end or SIGTERM."""
        timeout_ms = self._chosen.engine.session_timeout_ms
        with open_stream(url, client=client, session_timeout_ms=timeout_ms) as stream:
            self._engine = Engine(
                stream, self._chosen, reset_from=self._reset_from, observer=OnCommit(self._commit)
            )
            signal.signal(signal.SIGTERM, lambda number, frame: self._engine.stop())
            self._engine.run(until_end)

    def _commit(self, commit: Commit) -> None:
        self._commits += 1
        self.say(commit)
        if self._slow_every and commit.head.sequence % self._slow_every == 0:
            self._engine._writer._was_slow = True  # type: ignore[union-attr]
        if self._commits == self._stop_after:
            self._engine.stop()

    def say(self, commit: Commit) -> None:
        """Say a commit, and when it was."""
        head = commit.head
        said = {"sequence": head.sequence, "attempt": head.attempt, "records": commit.records}
        print(json.dumps({**said, "at": time.monotonic()}), flush=True)

    def obey(self) -> None:
        """Set the traps that the input tells."""
        for line in sys.stdin:
            if self._trap is not None:
                self._trap.arm(*json.loads(line)["trap"])


def main(url: str, client: str, sections: str, until_end: str, more: str = "{}") -> None:
    """Live once."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s")
    wishes = json.loads(more)
    faulthandler.register(signal.SIGUSR1)
    live_long()
    first = wishes.pop("trap", None)
    trap = points.trap(client) if client in points.CLIENTS else None
    if first is not None:
        assert trap is not None, f"client {client!r} has no points"
        trap.arm(*first)
    life = Life(settings(**json.loads(sections)), trap, **wishes)
    threading.Thread(target=life.obey, daemon=True).start()
    life.run(url, client, until_end == "until-end")


def be_born(pipes: Sequence[Connection], arguments: Sequence[str]) -> None:
    """Live in a fork, with input, output and error output as if started anew."""
    for number, pipe in enumerate(pipes):
        os.dup2(pipe.fileno(), number)
        pipe.close()
    sys.stdin = open(0, closefd=False)  # noqa: SIM115
    main(*arguments)


if __name__ == "__main__":
    main(*sys.argv[1:])

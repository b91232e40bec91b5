"""An observer that is a function."""

from __future__ import annotations

from collections.abc import Callable

from service.observer import Commit, Observer


class OnCommit(Observer):
    """Calls a function after each commit."""

    def __init__(self, then: Callable[[Commit], None]) -> None:
        self._then = then

    def on_commit(self, commit: Commit) -> None:
        self._then(commit)

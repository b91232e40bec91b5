"""When the last commit was made."""

from __future__ import annotations

import time

from service.board import Board
from service.model_state import Head
from service.observer import Commit, Observer


class LastCommit(Observer):
    """When the last commit was made, by this process or, seen by a standby, by another."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._sequence: int | None = None
        self.at: float | None = None

    def on_commit(self, commit: Commit) -> None:
        """Take in a commit of our own."""
        self.at, self._sequence = time.time(), commit.head.sequence

    def on_restored(self, head: Head, metrics: dict[str, float]) -> None:
        """Take in a commit of the log; the first one may be of any age."""
        is_new = self._sequence is not None and head.sequence > self._sequence
        if is_new and self._board.role == "standby":
            self.at = time.time()
        self._sequence = head.sequence

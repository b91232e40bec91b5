"""The log of an engine's life: one line for each event that matters, beside the engine's own lines."""

from __future__ import annotations

import logging

from service.observer import Commit, Observer, Role

log = logging.getLogger("perceptron")

SAID = {"standby": "standing by: another process owns the shard", "stopped": "stopped"}
"""The roles that the engine itself has no line for."""


class Diary(Observer):
    """Logs what an engine becomes, and the first commit after each takeover."""

    def __init__(self) -> None:
        self._role: Role = "starting"
        self._has_committed = False

    def on_role(self, role: Role, reason: str) -> None:
        """Log a role that the engine itself says nothing of."""
        if role != self._role and role in SAID:
            log.info("%s", SAID[role], extra={"role": role})
        self._role = role

    def on_takeover(self, seconds: float) -> None:
        """Log that the shard is ours."""
        self._has_committed = False
        told = {"role": "owner", "seconds": round(seconds, 4)}
        log.info("owner of the shard, after %.2f s", seconds, extra=told)

    def on_commit(self, commit: Commit) -> None:
        """Log the first one."""
        if not self._has_committed:
            self._has_committed = True
            at = {"records": commit.records, "version": commit.head.version, "sequence": commit.head.sequence}
            log.info("first commit: %d records, version %d, commit %d", *at.values(), extra=at)

"""What an engine tells whoever watches: its own doing and committed state, never what may yet be undone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, Literal

from service.model_state import Head
from service.streams.port import Output, Partition

Role = Literal["starting", "standby", "recovering", "owner", "stopped"]


@dataclass(frozen=True, slots=True)
class Commit:
    """What a commit did; ``seconds`` from poll to commit, ``commit_seconds`` for the commit itself."""

    head: Head
    metrics: dict[str, float]
    records: int = 0
    lags: Mapping[Partition, int] = field(default_factory=dict)
    seconds: float = 0.0
    commit_seconds: float = 0.0
    newest_ms: Mapping[Partition, int] = field(default_factory=dict)  # when its last records were produced
    letters: Sequence[Output] = ()  # dead letters
    traced: Sequence[Output] = ()  # predictions that carry their samples' trace headers
    state: Mapping[bytes, bytes] = field(default_factory=dict)  # records of the model topic

    @property
    def lag(self) -> int:
        """How many offsets are left to the ends of the input."""
        return sum(self.lags.values())


class Observer:
    """Sees what an engine does, on its thread: every method must return at once, and none may raise."""

    def on_role(self, role: Role, reason: str) -> None:
        """Take in what the engine is now, and why where that is trouble."""

    def on_restored(self, head: Head, metrics: dict[str, float]) -> None:
        """Take in the last commit of the log, as an owner or a standby has applied it."""

    def on_state(self, records: Mapping[bytes, bytes]) -> None:
        """Take in records of the model topic that were restored, by key."""

    def on_commit(self, commit: Commit) -> None:
        """Take in a commit."""

    def on_idle(self, lags: Mapping[Partition, int]) -> None:
        """Take in that there was nothing to learn, with the offsets that are left by partition."""

    def on_caught_up(self) -> None:
        """Take in that a standby has applied all of its owner's commits that have arrived."""

    def on_takeover(self, seconds: float) -> None:
        """Take in that the shard was taken over, or taken up again."""

    def on_recovery(self, failure: str) -> None:
        """Take in that a commit failed or the stream went away: the name of the error."""

    def on_rebalance(self) -> None:
        """Take in that the group gave this process other shards than before."""


EVENTS: Final = tuple(name for name in vars(Observer) if name.startswith("on_"))
"""What may be told, for whoever passes it on."""


class Observers(Observer):
    """Several observers as one: each is told, in turn."""

    def __init__(self, *observers: Observer) -> None:
        for name in EVENTS:
            setattr(self, name, partial(_tell, [getattr(observer, name) for observer in observers]))


def _tell(methods: Sequence[Callable[..., None]], *news: Any) -> None:
    for method in methods:
        method(*news)

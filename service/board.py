"""What is known of a running engine at any moment: what it is, how far it is, whether it still learns.

The engine writes, on its own thread; HTTP and metrics read, on theirs.
"""

from __future__ import annotations

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from perceptron_core.metrics import BinaryMetrics, RegressionMetrics
from service.committed import CommittedModel
from service.letters import error_of
from service.model_state import Head
from service.observer import Commit, Observer, Role
from service.settings import Settings
from service.streams.port import Output, Partition

STALLED_S = 10.0
WINDOWS_S = {"1m": 60.0, "5m": 300.0}
MARK_EVERY_S = 1.0
LETTERS_KEPT = 5
LOOKED_AT = 100  # of the dead letters of one commit
PREVIEW_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Shown:
    """A dead letter as the board shows it: the beginning of its value, and its error headers by name."""

    value: str
    error: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether predictions are those of a model that is kept up, and if not, why."""

    ready: bool
    role: Role
    reason: str


@dataclass(slots=True)
class _State:
    role: Role = "starting"
    reason: str = ""
    head: Head | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    commit: Commit | None = None  # the last one of this process
    lags: Mapping[Partition, int] = field(default_factory=dict)
    newest_ms: dict[Partition, int] = field(default_factory=dict)
    records: int = 0
    commits: int = 0
    takeovers: int = 0
    rebalances: int = 0
    recoveries: Counter[str] = field(default_factory=Counter)
    committed_at: float | None = None  # by the clock on the wall, here or as a standby has seen it
    told_at: float = 0.0
    moved_at: float = 0.0
    number: int = 0  # of changes, for whoever waits for the next


class Board(Observer):
    """The state of an engine, for other threads; every method may be called from any of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.model = CommittedModel(settings)
        self.started_at = time.time()
        self._changed = threading.Condition()
        self._state = _State(told_at=time.monotonic(), moved_at=time.monotonic())
        self._marks: deque[tuple[float, list[float]]] = deque(maxlen=int(max(WINDOWS_S.values())) + 2)
        self._letters: dict[str, deque[Shown]] = {}

    # The engine tells

    def on_role(self, role: Role, reason: str) -> None:
        """Take in what the engine is now."""
        with self._changed:
            self._state.role, self._state.reason = role, reason
            self._state.moved_at = time.monotonic()
            self._note()

    def on_restored(self, head: Head, metrics: dict[str, float]) -> None:
        """Take in the last commit of the log."""
        with self._changed:
            state = self._state
            is_new = state.head is not None and head.sequence > state.head.sequence
            if is_new and state.role == "standby":  # the first one may be of any age
                state.committed_at = time.time()
            state.head, state.metrics = head, metrics
            self._mark(head)
            self._note()

    def on_state(self, records: Mapping[bytes, bytes]) -> None:
        """Take in records of the model that were restored."""
        self.model.take(records)

    def on_commit(self, commit: Commit) -> None:
        """Take in a commit."""
        self.model.take(commit.state)
        with self._changed:
            state = self._state
            state.head, state.metrics, state.commit = commit.head, commit.metrics, commit
            state.committed_at = time.time()
            state.lags, state.moved_at = commit.lags, time.monotonic()
            state.newest_ms.update(commit.newest_ms)
            state.records += commit.records
            state.commits += 1
            for letters in commit.letters:
                self._keep(letters)
            self._mark(commit.head)
            self._note()

    def on_idle(self, lags: Mapping[Partition, int]) -> None:
        """Take in that there was nothing to learn."""
        with self._changed:
            self._state.lags = lags
            if not any(lags.values()):
                self._state.moved_at = time.monotonic()
            self._note()

    def on_takeover(self, seconds: float) -> None:
        """Count it."""
        with self._changed:
            self._state.takeovers += 1

    def on_recovery(self, failure: str) -> None:
        """Count it by the kind of failure."""
        with self._changed:
            self._state.recoveries[failure] += 1

    def on_rebalance(self) -> None:
        """Count it."""
        with self._changed:
            self._state.rebalances += 1

    def _note(self) -> None:
        self._state.told_at = time.monotonic()
        self._state.number += 1
        self._changed.notify_all()

    def _mark(self, head: Head) -> None:
        """Remember the metrics' sums once a second, for the windows; a new model's begin with none."""
        if not self._marks and head.sequence == 1:
            self._marks.append((-math.inf, [0.0] * len(head.metrics)))
        if not self._marks or time.monotonic() - self._marks[-1][0] >= MARK_EVERY_S:
            self._marks.append((time.monotonic(), head.metrics))

    def _keep(self, letters: Output) -> None:
        """Keep the latest dead letters of each reason."""
        for value, headers in list(zip(letters.values, letters.headers or (), strict=True))[-LOOKED_AT:]:
            error = error_of(headers) or {}
            preview = (value or b"")[:PREVIEW_BYTES].decode("utf-8", "replace")
            kept = self._letters.setdefault(error.get("reason", ""), deque(maxlen=LETTERS_KEPT))
            kept.appendleft(Shown(preview, error))

    # Others ask

    def wait(self, number: int, timeout_s: float) -> int:
        """Return the number of the latest change, once it is another than ``number`` or the time is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._state.number != number, timeout_s)
            return self._state.number

    @property
    def role(self) -> Role:
        """What the engine is."""
        return self._state.role

    @property
    def head(self) -> Head | None:
        """The last commit that is known."""
        return self._state.head

    @property
    def last_commit(self) -> Commit | None:
        """The last commit of this process."""
        return self._state.commit

    @property
    def committed_at(self) -> float | None:
        """When the last commit was made, by this process or, seen by a standby, by another."""
        return self._state.committed_at

    @property
    def metrics(self) -> dict[str, float]:
        """The progressive metrics from the first sample on."""
        return dict(self._state.metrics)

    def windows(self) -> dict[str, dict[str, float]]:
        """Return the progressive metrics of the last minute and of the last five, by window."""
        with self._changed:
            head, marks = self._state.head, list(self._marks)
        if head is None:
            return {}
        metrics = BinaryMetrics() if self.settings.model.task == "binary" else RegressionMetrics()
        metrics.load(head.metrics)
        found = {}
        for name, seconds in WINDOWS_S.items():
            begin = time.monotonic() - seconds
            earlier = [sums for at, sums in marks if at <= begin] or [marks[0][1]]
            found[name] = metrics.since(earlier[-1]).values()
        return found

    def lags(self) -> dict[Partition, int]:
        """Return the offsets left to the end of each partition, as they were last looked up."""
        return dict(self._state.lags)

    def event_ages_s(self) -> dict[Partition, float]:
        """Return for each partition how long ago its last learned record was produced; 0 without lag."""
        with self._changed:
            newest, lags = dict(self._state.newest_ms), self._state.lags
        now_ms = 1000 * time.time()
        return {
            place: max(0.0, now_ms - at) / 1000 if lags.get(place) else 0.0 for place, at in newest.items()
        }

    def counts(self) -> dict[str, int]:
        """Return what this process has done: records, commits, takeovers, rebalances."""
        state = self._state
        names = ("records", "commits", "takeovers", "rebalances")
        return {name: getattr(state, name) for name in names}

    def recoveries(self) -> dict[str, int]:
        """Return how often what kind of failure was recovered from."""
        with self._changed:
            return dict(self._state.recoveries)

    def letters(self) -> dict[str, list[Shown]]:
        """Return the latest dead letters by reason, the newest first."""
        with self._changed:
            return {reason: list(kept) for reason, kept in self._letters.items()}

    def readiness(self) -> Readiness:
        """Whether the model here is kept up: of an owner that learns, or a standby that follows."""
        with self._changed:
            state = self._state
            role, why, lag = state.role, state.reason, sum(state.lags.values())
            silent_s, still_s = (time.monotonic() - at for at in (state.told_at, state.moved_at))
        if role == "standby":
            is_restored = state.head is not None
            return Readiness(is_restored, role, "" if is_restored else "no commit to follow yet")
        if role != "owner":
            return Readiness(False, role, why or role)
        if lag and still_s > STALLED_S:
            return Readiness(False, role, f"{lag:,} offsets behind, and no commit for {still_s:.0f} s")
        if silent_s > STALLED_S:
            return Readiness(False, role, f"the engine has not been heard of for {silent_s:.0f} s")
        return Readiness(True, role, "")

"""The loop: own the shard, poll, learn, commit, recover.

The numbered protocol of a takeover, and of the recovery from any failed commit - one and the same:

1. drop the writer: it never outlives an error
2. roll working back to committed
3. prove ownership by a round trip to the group
4. fence: a new writer; every older one is dead
5. read the model log on to its end, and apply it to the committed state
6. check hash, model id, shards and configuration
7. seek the input to the head's next offsets

Whether a commit in doubt, or a successor's, is in the log then no longer matters: the log says.

While there is more to read, a batch is learned while the one before it is being committed. No more than
one is under way, and the next begins when it is known to be committed.

Do: decide when to read, commit, and start over. Do not: look into a record.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial

from service.answers import Answers
from service.errors import Damaged, OffsetGone, OpenTransaction, Unreachable
from service.input import Input
from service.learner import Learner, Position
from service.memory import give_back
from service.model_log import OPEN_TRANSACTION_S, ModelLog
from service.model_state import Head, new_head, state_records
from service.observer import Commit, Observer, Role
from service.reset import Reset
from service.settings import Settings
from service.streams.port import Batch, CommitFailed, Output, Partition, Stream, Writer
from service.topics import check_topics
from service.watchdog import Watchdog
from service.wish import Wish

log = logging.getLogger("perceptron")

SHARD = 0
STANDBY_S = 0.1
SECOND_LOOK_S = 1.0
FIRST_BACKOFF_S, LAST_BACKOFF_S = 0.1, 5.0
AHEAD_S = 0.2
"""What takes longer to learn than this is not learned while a commit is open: it would hide the results."""


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """A commit that was begun."""

    commit: Commit
    started: float
    learned: float

    def at(self, now: float) -> Commit:
        """Return it as one that has just been finished."""
        return replace(self.commit, seconds=now - self.started, commit_seconds=now - self.learned)


class Engine:
    """Runs one learner on one stream until it is stopped.

    Parameters
    ----------
    stream
        The stream; it stays open.
    settings
        Checked settings.
    reset_from
        Where given, start anew with an untrained model from the stored head's position (``"head"``), the
        ``"first"`` or the ``"end"`` offsets.
    reset_to
        The records of an exported model to start anew with, in the place of an untrained one.
    observer
        Told what is committed and what the engine is doing.
    """

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        *,
        reset_from: str | None = None,
        reset_to: Mapping[bytes, bytes] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._reset_from, self._reset_to = reset_from, reset_to
        self._observer = observer or Observer()
        self._role: tuple[Role, str] | None = None
        self._shards: frozenset[int] = frozenset()
        self._reset: Reset | None = None
        self._stop = Wish()
        self._writer: Writer | None = None
        self._head: Head | None = None  # of what was handed over last
        self._under_way: _UnderWay | None = None
        self._ends: dict[Partition, int] | None = None
        self._is_done = False
        self._is_second_look = False
        self._failures = 0

    def stop(self) -> None:
        """Finish the batch, commit, leave; may be called from a signal handler or another thread."""
        self._stop.set()

    def run(self, until_end: bool = False) -> None:
        """Learn until stopped; with ``until_end``, until all that is there now has been committed.

        Raises
        ------
        PerceptronError
            Something that trying again will not mend; nothing was changed by it.
        """
        with ExitStack() as stack:
            stack.callback(self._become, "stopped")
            self._become("starting")
            self._open(stack)
            self._ends = self._input.ends() if until_end else None
            while not self._is_done:
                self._back_off(self._failure_of_a_turn())

    def _open(self, stack: ExitStack) -> None:
        """Check the topics, then open everything, to be closed in the opposite order."""
        widths, limits = check_topics(self._stream, self._settings)
        self._learner = Learner(self._settings, widths)
        self._answers = Answers(limits)
        self._watchdog = stack.enter_context(Watchdog(self._settings.engine.watchdog_s))
        ticking = partial(self._watchdog.tick, "restoring")
        self._log = ModelLog(self._stream, self._settings, SHARD, ticking, self._observer.on_state)
        stack.callback(self._log.close)
        self._input = Input(self._stream, self._settings)
        stack.callback(self._input.close)
        model_topic, instance_id = self._settings.topics.model, self._settings.engine.instance_id
        seat = self._stream.join(self._settings.group, model_topic, instance_id)
        self._membership = stack.enter_context(seat)
        stack.callback(self._let_go)
        if self._reset_from is not None:
            self._reset = Reset(self._settings, self._log, self._input, self._reset_from, self._reset_to)

    def _turn(self) -> None:
        """One round: heartbeat and ownership, then stand by, take over, or poll, learn and commit."""
        if self._stop.is_set():
            return self._finish()
        self._watchdog.tick("heartbeating")
        if SHARD not in self._assigned():
            return self._stand_by()
        if self._is_suspect() or self._input.has_changed():
            return self._take_over()
        try:
            self._work()
        except OffsetGone:
            self._let_go()  # the next round takes over, and that is where gaps are judged
        return None

    def _work(self) -> None:
        """Poll, learn and commit."""
        self._watchdog.tick("polling")
        if batches := self._input.poll(waits=self._under_way is None):
            self._learn(batches)
        elif self._under_way is not None:
            self._settle()
        else:
            self._observer.on_idle(self._input.lags())
        if self._writer is not None and self._ends is not None and self._input.has_reached(self._ends):
            self._finish()

    def _is_suspect(self) -> bool:
        """Whether the next commit needs another writer."""
        return self._writer is None or self._writer.suspect

    def _finish(self) -> None:
        """Commit what is under way; then there is nothing left to do."""
        self._settle()
        self._is_done = True

    def _assigned(self) -> frozenset[int]:
        """Heartbeat; the shards that the group gives us."""
        shards = self._membership.poll()
        if shards != self._shards:
            self._shards = shards
            self._observer.on_rebalance()
        return shards

    def _become(self, role: Role, reason: str = "") -> None:
        """Tell a change of what this process is."""
        if (role, reason) != self._role:
            self._role = role, reason
            self._observer.on_role(role, reason)

    def _learn(self, batches: list[Batch]) -> None:
        """Learn a poll's records, and have the outcome committed in one transaction."""
        started = time.monotonic()
        answers = [answer for batch in batches for answer in self._learner.process(batch)]
        outputs = [self._answers.fitting(answer) for answer in answers]
        sequence = self._head.sequence + 1 if self._head else 1
        head = new_head(self._learner, self._settings, self._model_id, sequence, self._attempt)
        state = state_records(self._learner.model, head, self._log.partition)
        commit = self._commit_of(head, batches, outputs, state)
        learned = time.monotonic()
        self._settle()
        if self._is_suspect():
            return self._let_go()  # what was learned meanwhile, too
        self._begin([*outputs, state])
        self._learner.stage()
        self._head, self._under_way = head, _UnderWay(commit, started, learned)
        if not self._may_learn_ahead(commit.records, learned - started):
            self._settle()
        return None

    def _may_learn_ahead(self, records: int, seconds: float) -> bool:
        """Whether the next batch may be learned while the last, of so many records, is being committed.

        Not after a failure: a batch that outlasts the transaction would let the one before it fail for ever.
        """
        is_full = records >= self._settings.engine.max_batch
        return is_full and seconds <= AHEAD_S and not self._failures

    def _begin(self, outputs: list[Output]) -> None:
        assert self._writer is not None, "only an owner writes"
        self._watchdog.tick("committing")
        self._writer.begin(outputs, dict(self._learner.position.next_offsets), self._membership)

    def _settle(self) -> None:
        """Wait until what is under way is committed."""
        if self._under_way is None:
            return
        assert self._writer is not None, "what is under way goes with its writer"
        self._watchdog.tick("committing")
        self._writer.finish()
        self._learner.commit()
        commit, self._under_way = self._under_way.at(time.monotonic()), None
        self._failures = 0
        self._observer.on_commit(commit)

    def _commit_of(self, head: Head, batches: list[Batch], outputs: list[Output], state: Output) -> Commit:
        """Return what an observer is told once it is committed."""
        dlq = self._settings.topics.dlq
        return Commit(
            head,
            self._learner.metric_values(),
            records=sum(map(len, batches)),
            lags=self._input.lags(),
            newest_ms={(b.topic, b.partition): b.timestamps_ms[-1] for b in batches if b.timestamps_ms},
            letters=[output for output in outputs if output.topic == dlq],
            traced=[output for output in outputs if output.headers and output.topic != dlq],
            state=dict(zip(state.keys, state.values, strict=True)),  # type: ignore[arg-type]
        )

    def _stand_by(self) -> None:
        """Another process owns the shard: wait for it, or for the owner to pass the end."""
        if self._writer is not None:
            log.warning("the shard went to another member; standing by")
            self._let_go()
        self._become("standby")
        self._stop.wait(STANDBY_S)
        if self._input.has_changed():
            self._log.require_same_topic()  # the shard of one that is gone would be waited for in vain
        if self._reset is None:  # whoever is to reset has it still to do
            with suppress(OpenTransaction, OffsetGone, Damaged):  # the owner's to end, and to judge
                self._keep_warm()
                self._is_done = self._ends is not None and self._owner_has_passed(self._ends)

    def _keep_warm(self) -> None:
        """Follow the owner, so that a takeover has little left to restore."""
        head = self._log.follow(self._learner)
        if head is not None and head is not self._head:
            self._head = head
            self._observer.on_restored(head, self._learner.metric_values())
        if not self._log.has_news:
            self._observer.on_caught_up()

    def _owner_has_passed(self, ends: Mapping[Partition, int]) -> bool:
        """Whether the owner's head leaves nothing to read below these ends."""
        head = self._log.catch_up(self._learner, patience_s=STANDBY_S)
        if head is None:
            return False
        self._input.seek(Position.from_wire(head.next_offsets))
        behind = [b for b in self._input.poll() if b.offsets[0] < ends.get((b.topic, b.partition), 0)]
        return not behind and self._input.has_reached(ends)

    def _failure_of_a_turn(self) -> Exception | None:
        """Make one round; return what trying again may mend."""
        try:
            self._turn()
        except (CommitFailed, Unreachable) as failure:
            return failure
        return None

    def _back_off(self, failure: Exception | None) -> None:
        """After a failure, forget the writer and wait, a little longer each time.

        Not while the failure is being handled: a client may keep what is handled when it raises.
        """
        if failure is None:
            return
        wait_s = min(FIRST_BACKOFF_S * 2**self._failures, LAST_BACKOFF_S)
        kind = type(failure).__name__
        log.warning("%s: %s; starting over in %.1f s", kind, failure, wait_s, extra={"kind": kind})
        self._watchdog.tick("backing off")
        self._become("recovering", f"{kind}: {failure}")
        self._observer.on_recovery(kind)
        self._let_go()
        give_back()
        self._failures = min(self._failures + 1, 10)
        self._stop.wait(wait_s)

    def _let_go(self) -> None:
        """Drop the writer and what it has not committed: the one never goes without the other."""
        if self._writer is not None:
            writer, self._writer = self._writer, None
            writer.close()
        self._under_way = None
        self._learner.rollback()

    # Takeover and recovery

    def _take_over(self) -> None:
        """Follow the protocol above, step by step."""
        self._watchdog.tick("taking over")
        started = time.monotonic()
        self._become("recovering", "taking over")
        self._let_go()  # 1, 2
        self._log.require_same_topic()  # over one made anew, kafka-python's proof would never return
        if not self._membership.prove():  # 3
            self._stop.wait(STANDBY_S)
            return
        self._writer = self._stream.fence(f"{self._settings.group}-{SHARD}")  # 4
        self._attempt = secrets.token_hex(8)
        self._start_anew()
        try:
            self._restore()
        except (Damaged, OffsetGone, OpenTransaction):
            # Who was frozen judged a successor's work, or by an old head: true is only what a takeover with
            # a fence of its own says again.
            if self._is_second_look:
                raise
            self._is_second_look = True
            self._let_go()
        else:
            self._is_second_look = False
            self._become("owner")
            self._observer.on_takeover(time.monotonic() - started)
            give_back()

    def _restore(self) -> None:
        """Go on from the log: steps 5 to 7 of the protocol."""
        patience_s = SECOND_LOOK_S if self._is_second_look else OPEN_TRANSACTION_S
        self._head = self._log.catch_up(self._learner, patience_s)  # 5, 6
        self._log.rest()
        if self._head is None:
            self._require_fresh_group()
        self._model_id = self._head.model_id if self._head else secrets.token_hex(8)
        position = self._learner.position
        known = position.topic_ids
        position.topic_ids = self._input.topic_ids(known) | self._log.require_same_topic(known)  # 7
        position.next_offsets = self._input.seek(position.next_offsets)
        self._learner.commit()
        if self._head is not None:
            self._observer.on_restored(self._head, self._learner.metric_values())
        at = {"version": self._learner.model.version, "sequence": self._head.sequence if self._head else 0}
        text = "learning on from version %d, commit %d, as attempt %s"
        log.info(text, *at.values(), self._attempt, extra={**at, "attempt": self._attempt})

    def _start_anew(self) -> None:
        """Do the reset that was asked for, once."""
        if self._reset is not None:
            assert self._writer is not None, "only an owner starts anew"
            if (made := self._reset.make(self._attempt)) is not None:
                outputs, position = made
                self._writer.commit(outputs, position.next_offsets, self._membership)
            self._reset = None

    def _require_fresh_group(self) -> None:
        """Raise where the group has learned before, but the model topic is empty."""
        if committed := self._input.committed():
            raise Damaged(
                f"model topic {self._log.partition[0]!r} is empty, but group {self._settings.group!r} has "
                f"learned up to {committed}: the model was lost. Bring the topic back, or start anew with "
                "--reset-model"
            )

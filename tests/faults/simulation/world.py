"""One run: learners over the model broker, the faults of a plan, and what is found in the end."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from functools import partial

from service.engine import Engine
from service.errors import Unreachable
from service.model_state import HEAD, Head, _unframe
from service.observer import Commit
from service.streams.port import Output
from service.topics import topic_specs
from tests.faults.checks import Left, collect, examine
from tests.faults.simulation.acts import ACTS, kill
from tests.faults.simulation.broker import Broker
from tests.faults.simulation.clock import Clock
from tests.faults.simulation.corpus import chosen, oracle, records
from tests.faults.simulation.plan import KINDS, Fault, Plan
from tests.faults.simulation.process import Killed, Outsider, Process
from tests.faults.simulation.seams import in_world
from tests.faults.simulation.stream import SimulatedStream
from tests.on_commit import OnCommit

Planting = Callable[[], AbstractContextManager[None]]
"""Switches a bug on while the learners run; whoever looks at what is left has none."""

SESSION_MS = 1500
LONGEST_S = 3_600.0
MOST_STEPS = 30_000
AFTERMATH_S = 5.0
LAST_REQUESTS_S = 60.0


@dataclass
class Outcome:
    """What became of a plan."""

    plan: Plan
    findings: dict[str, list[str]] = field(default_factory=dict)  # by check; empty where the run was exact
    struck: Counter[str] = field(default_factory=Counter)  # faults that happened, by kind
    transactions: int = 0
    commits: int = 0
    fences: int = 0
    trace: list[tuple[int, str]] = field(default_factory=list)
    left: Left | None = None

    def trace_hash(self) -> str:
        """Return a fingerprint of every step of every process, and of all that was left."""
        return hashlib.blake2b(repr((self.trace, self.left)).encode(), digest_size=8).hexdigest()


class World:
    """The broker, the learners and what happens to them."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.clock = Clock(plan.seed)
        self.broker = Broker(self.clock)
        self.outcome = Outcome(plan)
        self.settings = chosen(plan.corpus, plan.batch)
        self.oracle = oracle(plan.corpus, plan.records)
        self.group = self.broker.groups[self.settings.group]
        self.living: dict[int, tuple[Process, Engine]] = {}
        self._claims: list[Head] = []
        self._faults = iter(plan.faults)
        self._is_over = False
        self._next_fault()

    def run(self, planted: Planting = nullcontext) -> Outcome:
        """Let everything happen, and look at what is left."""
        with in_world(self.clock, self.plan.seed):
            with planted():
                self._begin()
                self._run_until(lambda: self._has_learned_all() or bool(self.outcome.findings))
                self._end()
            if not self.outcome.findings:
                self._look()
        return self.outcome

    # The course of it

    def _begin(self) -> None:
        """Put in what is there at the start, let the rest come in time, and start the learners."""
        self._outside = SimulatedStream(self.broker, Outsider(self.clock), SESSION_MS)
        self._outside.create_topics(topic_specs(self.settings))
        self._feed(0, self.plan.at_start)
        position = self.plan.at_start
        while position < self.plan.records:
            behind = min(self.plan.records, position + self.clock.random.randint(1, 12))
            self.clock.later(position * 0.02, partial(self._feed, position, behind))
            position = behind
        for number in range(self.plan.processes):
            self.clock.later(self.clock.random.random(), partial(self._start, number))

    def _feed(self, start: int, end: int) -> None:
        some = records(self.plan.corpus, self.plan.records)[start:end]
        columns = [case.key for case in some], [case.value for case in some]
        self._outside.append([Output(self.settings.topics.samples, 0, *columns)])

    def _start(self, number: int, is_last: bool = False) -> None:
        """Start a learner process, unless it comes too late."""
        if self._is_over and not is_last:
            return
        until_end = is_last or self.clock.random.random() < self.plan.until_end
        Process(self.clock, partial(self._live, number, until_end), self._strike).switch()

    def _live(self, number: int, until_end: bool, process: Process) -> None:
        process.number = number
        instance_id = str(number) if number < self.plan.static else ""
        settings = chosen(self.plan.corpus, self.plan.batch + 3 * number, instance_id)
        stream = SimulatedStream(self.broker, process, SESSION_MS)
        engine = Engine(stream, settings, observer=OnCommit(self._claim))
        self.living[number] = process, engine
        try:
            engine.run(until_end)
        except (Killed, Unreachable):
            pass
        except Exception as error:
            self._find("endings", f"learner {number} ended by {type(error).__name__}: {error}")
        del self.living[number]
        process.die()
        self.clock.later(2 * self.clock.random.random() ** 2, partial(self._start, number))

    def _has_learned_all(self) -> bool:
        return self.group.committed(self.settings.topics.samples).get(0) == self.plan.records

    def _run_until(self, condition: Callable[[], bool]) -> None:
        limit = self.clock.now + LONGEST_S
        while not condition():
            if self.clock.now > limit or self.clock.is_quiet_until(float("inf")):
                return self._find("progress", f"at {self.group.committed(self.settings.topics.samples)}")
            self.clock.next_event()
        return None

    def _end(self) -> None:
        """Strike no more, let the frozen wake and the late arrive, and see one last learner to the end."""
        self._faults = iter(())
        self._next_fault()
        self.clock.pass_time(AFTERMATH_S)
        self._is_over = True
        for _, engine in self.living.values():
            engine.stop()
        self._run_until(lambda: not self.living)
        if not self.outcome.findings:
            self._start(self.plan.processes, is_last=True)
            self._run_until(lambda: not self.living)
        self.clock.pass_time(LAST_REQUESTS_S)

    # What happens to it

    def _next_fault(self) -> None:
        self._fault: Fault | None = next(self._faults, None)
        self._gap = self._fault.gap if self._fault else 0

    def _strike(self, process: Process, point: str) -> Fault | None:
        """Take note of a step; return the fault that befalls the request made there, if one does."""
        self.outcome.trace.append((process.number, point))
        if len(self.outcome.trace) > MOST_STEPS:
            self._find("progress", f"none in {MOST_STEPS} steps: learner {process.number} at {point!r}")
            kill(self, process, 1.0)
        self._gap -= 1
        if self._gap > 0 or self._fault is None:
            return None
        fault, points = self._fault, KINDS[self._fault.kind][1]
        if points and point not in points:
            return None
        self._next_fault()
        self.outcome.struck[fault.kind] += 1
        if act := ACTS.get(fault.kind):
            act(self, process, fault.amount)
            return None
        return fault

    # What is found

    def _find(self, check: str, finding: str) -> None:
        self.outcome.findings.setdefault(check, []).append(finding)

    def _claim(self, commit: Commit) -> None:
        """Take a learner at its word: what it publishes has to be in the log, and the oracle's."""
        self._claims.append(commit.head)

    def _look(self) -> None:
        """Hold what is left, and what was claimed on the way, against the oracle."""
        topic = self.broker.log((self.settings.topics.model, 0))
        heads = [_unframe(e.value, Head) for e in topic.history() if e.key == HEAD and e.value]
        left = collect(self._outside, self.settings)
        left = replace(left, heads=heads)  # also those that compaction has removed
        for check, findings in examine(left, self.oracle).items():
            self.outcome.findings[check] = findings
        self._check_claims(heads)
        self._check_protocol()
        self.outcome.commits, self.outcome.left = len(heads), left
        transactions = self.broker.transactions
        self.outcome.transactions, self.outcome.fences = transactions.count(), transactions.fences()

    def _check_claims(self, heads: list[Head]) -> None:
        """Find a commit that was published and is not in the log, or not as it was published."""
        written = {(head.attempt, head.sequence): head for head in heads}
        for head in self._claims:
            if written.get((head.attempt, head.sequence)) != head:
                self._find("what_was_published_is_committed", f"commit {head.sequence} is not in the log")
                break

    def _check_protocol(self) -> None:
        """Find what harms nobody at once, but what the next line of defence should never have to catch."""
        if self.group.strangers:
            self._find("who_commits_has_a_seat", f"{self.group.strangers} transactions had none")
        last: dict[int, str] = {}  # of the two, by process; any other step behind a fence ends it
        for number, point in self.outcome.trace:
            if point == "fence" and last.get(number) is None:
                self._find("who_fences_has_proved", f"learner {number} had not")
                break
            if point in ("prove", "fence"):
                last[number] = point
            elif last.get(number) == "fence":
                del last[number]


def run(plan: Plan, planted: Planting = nullcontext) -> Outcome:
    """Run a plan, with a bug where one is given; equal plans give equal runs."""
    return World(plan).run(planted)

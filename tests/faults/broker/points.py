"""Labelled points of the commit and takeover protocols, at which a process strikes itself.

Nothing of this is in the service: :func:`trap` wraps its methods, in the process that is to be struck.
Both clients have every point. What happens within one call of a client, such as an end that was sent and
whose answer was not read, is met by striking a random moment of up to :data:`WITHIN_S` after the call.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from typing import Any

from service.streams.port import Output

WITHIN_S = 0.004

CLIENTS = ("confluent", "kafka-python")
STREAMS = {"confluent": "ConfluentStream", "kafka-python": "KafkaPythonStream"}


class Trap:
    """Sends its own process a signal at the n-th passing of a label."""

    def __init__(self) -> None:
        self.label = ""
        self._left = 0
        self._signal = signal.SIGKILL

    def arm(self, label: str = "", passing: int = 1, number: int = signal.SIGKILL) -> None:
        """Wait for a passing, or for none any more; one trap at a time."""
        if label and label not in POINTS:
            raise ValueError(f"point {label!r}; one of {', '.join(POINTS)} was expected")
        self._left, self._signal = passing, signal.Signals(number)
        self.label = label

    def passes(self, label: str) -> None:
        """Say that the process is at a point."""
        if self.is_due(label):
            self.strike()

    def is_due(self, label: str) -> bool:
        """Whether this passing is the one."""
        if label != self.label:
            return False
        self._left -= 1
        return self._left == 0

    def strike(self) -> None:
        """Send the signal; whoever is only frozen goes on from here."""
        self.label = ""
        os.kill(os.getpid(), self._signal)


# How a method is wrapped: ``way(trap, label, method, *its arguments)``

Way = Callable[..., Any]


def before(trap: Trap, label: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    trap.passes(label)
    return call(*args, **named)


def after(trap: Trap, label: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    result = call(*args, **named)
    trap.passes(label)
    return result


def after_some(trap: Trap, label: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Count only calls that brought something."""
    if result := call(*args, **named):
        trap.passes(label)
    return result


def within(trap: Trap, label: str, call: Callable[..., Any], *args: Any, **named: Any) -> Any:
    """Strike a random moment after the call has begun."""
    if trap.is_due(label):
        threading.Timer(random.uniform(0, WITHIN_S), trap.strike).start()
    return call(*args, **named)


def of_the_model_topic(trap: Trap, label: str, call: Callable[..., Any], stream: Any, partition: Any) -> Any:
    end = call(stream, partition)
    if partition[0].endswith(".model"):
        trap.passes(label)
    return end


def behind(count: Callable[[Sequence[Output]], int]) -> Way:
    """Strike when the first ``count`` records of a transaction are in the log, and no other is."""

    def way(trap: Trap, label: str, call: Callable[..., Any], writer: Any, outputs: Sequence[Output]) -> Any:
        if not trap.is_due(label):
            return call(writer, outputs)
        first, rest = split(outputs, count(outputs))
        call(writer, first)
        writer._flush()
        trap.strike()
        return call(writer, rest)

    return way


def split(outputs: Iterable[Output], count: int) -> tuple[list[Output], list[Output]]:
    """Cut outputs behind their first ``count`` records."""
    first, rest = [], []
    for output in outputs:
        cut = min(count, len(output))
        count -= cut
        first.append(_part(output, slice(0, cut)))
        rest.append(_part(output, slice(cut, None)))
    return [part for part in first if len(part)], [part for part in rest if len(part)]


def _part(output: Output, part: slice) -> Output:
    headers = None if output.headers is None else output.headers[part]
    return Output(output.topic, output.partition, output.keys[part], output.values[part], headers)


# The points


@dataclass(frozen=True)
class Point:
    """A method, the way to wrap it, and what a process needs in order to come by."""

    owner: str
    method: str
    way: Way
    needs: dict[str, Any] = field(default_factory=dict)
    passings: tuple[int, int] = (1, 3)  # the least and the most that are waited for


ENGINE, LEARNER, LOG = "service.engine:Engine", "service.learner:Learner", "service.model_log:ModelLog"
INPUT, RESET = "service.input:Input", "service.reset:Reset"
STREAM, SEAT, WRITER = (
    "service.streams.{0}:{1}",
    "service.streams.{0}_clients:Seat",
    "service.streams.{0}_writer:Writer",
)
WORKER = "tests.faults.worker:Life"

ONCE = (1, 1)
RECOVERING = {"slow_every": 1}  # each commit is taken for a slow one: a recovery after each
STOPPING = {"stop_after": 2}
RESETTING = {"reset_from": "first"}
WAITING = {"beside": True}  # another process owns the shard

POINTS: dict[str, Point] = {
    "after the poll": Point(INPUT, "poll", after_some),
    "after learning": Point(LEARNER, "process", after),
    "before the writer's commit": Point(ENGINE, "_begin", before),
    "a commit is under way": Point(ENGINE, "_begin", after),
    "the next is learned, and the commit waited for": Point(ENGINE, "_settle", before, passings=(2, 6)),
    "before begin_transaction": Point(WRITER, "_begin", before),
    "after begin_transaction": Point(WRITER, "_begin", after),
    "half of the predictions are written": Point(WRITER, "_send", behind(lambda o: len(o[0]) // 2)),
    "the predictions are written": Point(WRITER, "_send", behind(lambda o: len(o[0]))),
    "the dead letters are written": Point(WRITER, "_send", behind(lambda o: sum(map(len, o[:-1])))),
    "all but the head is written": Point(WRITER, "_send", behind(lambda o: sum(map(len, o)) - 1)),
    "all is handed over": Point(WRITER, "_send", after),
    "within the flush": Point(WRITER, "_flush", within),
    "after the flush": Point(WRITER, "_flush", after),
    "within send_offsets": Point(WRITER, "_send_offsets", within),
    "after send_offsets": Point(WRITER, "_send_offsets", after),
    "before commit_transaction": Point(WRITER, "_end", before),
    "within commit_transaction": Point(WRITER, "_end", within),
    "after commit_transaction": Point(WRITER, "_end", after),
    "after the writer's commit": Point(ENGINE, "_settle", after, passings=(2, 6)),
    "after the learner's commit": Point(WORKER, "say", before),
    "after publishing": Point(WORKER, "say", after),
    "joining": Point(SEAT, "__init__", after, passings=ONCE),
    "standing by": Point(ENGINE, "_stand_by", after, WAITING),
    "before the proof": Point(SEAT, "prove", before, passings=ONCE),
    "within the proof": Point(SEAT, "prove", within, passings=ONCE),
    "after the proof": Point(SEAT, "prove", after_some, passings=ONCE),
    "within the fence": Point(WRITER, "__init__", within, passings=ONCE),
    "after the fence": Point(WRITER, "__init__", after, passings=ONCE),
    "after the end offset": Point(STREAM, "end_offset", of_the_model_topic, passings=ONCE),
    "in the midst of the restore": Point(LOG, "take", after),
    "after reading the model log": Point(LOG, "read", after, passings=ONCE),
    "after the hash check": Point(LOG, "_load", after, passings=ONCE),
    "before the seek": Point(INPUT, "seek", before, passings=ONCE),
    "after the seek": Point(INPUT, "seek", after, passings=ONCE),
    "after the takeover": Point(ENGINE, "_take_over", after, passings=ONCE),
    "the writer is dropped": Point(LEARNER, "rollback", before, RECOVERING, (2, 4)),
    "after the rollback": Point(LEARNER, "rollback", after, RECOVERING, (2, 4)),
    "fencing itself anew": Point(WRITER, "__init__", within, RECOVERING, (2, 4)),
    "before leaving the group": Point(SEAT, "close", before, STOPPING, ONCE),
    "within leaving the group": Point(SEAT, "close", within, STOPPING, ONCE),
    "after leaving the group": Point(SEAT, "close", after, STOPPING, ONCE),
    "before the reset": Point(RESET, "make", before, RESETTING, ONCE),
    "the reset is made": Point(RESET, "make", after, RESETTING, ONCE),
    "within the reset's commit": Point(WRITER, "commit", within, RESETTING, ONCE),
    "after the reset": Point(ENGINE, "_start_anew", after, RESETTING, ONCE),
}


def trap(client: str) -> Trap:
    """Wrap the methods of every point, for good: only for a process that has nothing else to do."""
    trap = Trap()
    module = client.replace("-", "_")
    for label, point in POINTS.items():
        place, _, name = point.owner.format(module, STREAMS.get(client, "")).partition(":")
        _wrap(trap, label, getattr(import_module(place), name), point)
    return trap


def _wrap(trap: Trap, label: str, owner: type, point: Point) -> None:
    method = getattr(owner, point.method)

    @wraps(method)
    def wrapped(*args: Any, **named: Any) -> Any:
        return point.way(trap, label, method, *args, **named)

    setattr(owner, point.method, wrapped)

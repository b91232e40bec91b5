"""The checks that every campaign ends with: what a run left, held against the :class:`Oracle`.

Each check is a generator of findings under a name; a run is exact where none of them finds anything.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from service.errors import Damaged
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import Head, _unframe
from service.settings import Settings
from service.streams.port import Stream
from tests.contracts.rig import read_to_end
from tests.faults.oracle import Answer, Oracle, State


@dataclass
class Left:
    """Everything that a run left behind, as a fresh reader finds it."""

    predictions: list[Answer]
    dead: list[Answer]
    heads: list[Head]
    state: State | None  # recomputed from the topic alone; None where it does not add up
    damage: str  # why it does not
    metrics: dict[str, float]
    group: dict[int, int]
    open_transactions: str
    last_key: bytes | None = b"head"  # of the model topic
    compacted: bool = False  # whether older heads may be gone


def collect(stream: Stream, chosen: Settings, compacted: bool = False) -> Left:
    """Read what a run left behind."""
    learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
    log = ModelLog(stream, chosen)
    state, damage = None, ""
    try:
        log.catch_up(learner)
        state = State(learner.model.hash(), learner.model.version)
    except Damaged as error:
        damage = str(error)
    finally:
        log.close()
    topics = chosen.topics
    written = [(topics.predictions, 0), (topics.dlq, 0), (topics.model, 0)]
    return Left(
        predictions=_answers(stream, topics.predictions),
        dead=_answers(stream, topics.dlq),
        heads=heads(stream, chosen),
        state=state,
        damage=damage,
        metrics=learner.metric_values(),
        group=stream.group_offsets(chosen.group, topics.samples),
        open_transactions="; ".join(filter(None, map(stream.open_transactions, written))),
        last_key=next((key for _, key, _, _ in reversed(read_topic(stream, topics.model))), b"head"),
        compacted=compacted or stream.client.startswith("sqlite"),  # which keeps the last of each key
    )


def read_topic(stream: Stream, topic: str) -> list[Any]:
    """Return the committed records of a topic: offset, key, value, headers."""
    with stream.reader() as reader:
        reader.seek({(topic, 0): stream.first_offset((topic, 0))})
        return list(read_to_end(stream, reader, (topic, 0)))


def heads(stream: Stream, chosen: Settings) -> list[Head]:
    """Return the heads that are in the model topic, in order."""
    records = read_topic(stream, chosen.topics.model)
    return [_unframe(value, Head) for _, key, value, _ in records if key == b"head"]


def _answers(stream: Stream, topic: str) -> list[Answer]:
    return [(key, value, tuple(headers)) for _, key, value, headers in read_topic(stream, topic)]


# The checks


def every_record_is_answered_once_in_order(left: Left, oracle: Oracle) -> Iterator[str]:
    """Every input offset has exactly one prediction or dead letter, and they stand in order."""
    predicted = [json.loads(value or b"{}").get("offset", -1) for _, value, _ in left.predictions]
    dead = [int(dict(headers).get("perceptron.error.offset") or -1) for _, _, headers in left.dead]
    for name, offsets in (("predictions", predicted), ("dead letters", dead)):
        if broken := [pair for pair in itertools.pairwise(offsets) if pair[0] >= pair[1]]:
            yield f"{name} stand out of order or twice at offsets {_some(broken)}"
    answered = set(predicted) | set(dead)
    if missing := sorted(set(range(oracle.count)) - answered):
        yield f"no answer to {len(missing)} of {oracle.count} records: offsets {_some(missing)}"
    if invented := sorted(answered - set(range(oracle.count))):
        yield f"answers to records that are not there: offsets {_some(invented)}"
    if twice := sorted(set(predicted) & set(dead)):
        yield f"both predicted and refused: offsets {_some(twice)}"


def bytes_are_equal(left: Left, oracle: Oracle) -> Iterator[str]:
    """Every prediction and every dead letter has the key, value and headers of the oracle's."""
    for name, found, expected in (
        ("prediction", left.predictions, oracle.predictions),
        ("dead letter", left.dead, oracle.dead),
    ):
        for number, (one, other) in enumerate(zip(found, expected.values(), strict=False)):
            if one != other:
                yield f"{name} {number} is {one!r:.200}; {other!r:.200} was expected"
                break
        if len(found) != len(expected):
            yield f"{len(found)} {name}s; {len(expected)} were expected"


def the_model_is_equal(left: Left, oracle: Oracle) -> Iterator[str]:
    """Find where a fresh reader's model, or that of a head, is not the oracle's."""
    if left.damage:
        yield f"the model topic does not add up: {left.damage}"
    elif left.state != oracle.states[-1]:
        yield f"the model is {left.state}; {oracle.states[-1]} was expected"
    elif left.metrics != oracle.metrics:
        yield f"the metrics are {left.metrics}; {oracle.metrics} were expected"
    for head in left.heads:
        position = _position(head)
        if not 0 <= position <= oracle.count or State(head.hash, head.version) != oracle.states[position]:
            yield f"head {head.sequence} at position {position} is not the oracle's model there"
            break


def counts_are_equal(left: Left, oracle: Oracle) -> Iterator[str]:
    """Find a last head that has counted other numbers of predictions and rejections than there are."""
    for head in left.heads[-1:]:
        counted, expected = (head.predicted, dict(head.rejected)), oracle.counts
        if counted != expected:
            yield f"head {head.sequence} has counted {counted}; {expected} was expected"


def the_head_closes_each_commit(left: Left, oracle: Oracle) -> Iterator[str]:
    """Find a model topic that ends with anything but a head."""
    if left.last_key != b"head":
        yield f"the last record of the model topic has the key {left.last_key!r:.80}"


def positions_agree(left: Left, oracle: Oracle) -> Iterator[str]:
    """Where the group is, the last head is, and that is the end of the input."""
    last = _position(left.heads[-1]) if left.heads else 0
    if not left.group.get(0, 0) == last == oracle.count:
        yield f"the group is at {left.group}, the head at {last}, the end is {oracle.count}"


def sequence_has_no_gaps(left: Left, oracle: Oracle) -> Iterator[str]:
    """Heads are numbered 1, 2, 3, ...; where old ones were compacted away they still rise."""
    numbers = [head.sequence for head in left.heads]
    if left.compacted:
        if any(one >= other for one, other in itertools.pairwise(numbers)):
            yield f"sequence numbers fall: {_some(numbers)}"
    elif numbers != list(range(1, len(numbers) + 1)):
        yield f"sequence numbers are {_some(numbers)}; 1 to {len(numbers)} were expected"
    positions = [_position(head) for head in left.heads]
    if any(one >= other for one, other in itertools.pairwise(positions)):
        yield f"positions of the heads do not rise: {_some(positions)}"


def only_the_owner_committed(left: Left, oracle: Oracle) -> Iterator[str]:
    """No transaction is open, and no attempt committed once a later one had begun to."""
    if left.open_transactions:
        yield f"open: {left.open_transactions}"
    attempts = [attempt for attempt, _ in itertools.groupby(head.attempt for head in left.heads)]
    if len(attempts) != len(set(attempts)):
        yield f"an attempt went on after another had begun: {_some(attempts)}"


CHECKS: Sequence[Callable[[Left, Oracle], Iterator[str]]] = (
    every_record_is_answered_once_in_order,
    bytes_are_equal,
    the_model_is_equal,
    counts_are_equal,
    the_head_closes_each_commit,
    positions_agree,
    sequence_has_no_gaps,
    only_the_owner_committed,
)


def examine(left: Left, oracle: Oracle) -> dict[str, list[str]]:
    """Return the findings by the name of the check; empty where the run was exact."""
    found = {check.__name__: list(check(left, oracle)) for check in CHECKS}
    return {name: findings for name, findings in found.items() if findings}


def assert_exact(stream: Stream, oracle: Oracle, compacted: bool = False) -> None:
    """Assert that what a run left is, to the bit, what one that never stopped leaves."""
    findings = examine(collect(stream, oracle.settings, compacted), oracle)
    assert not findings, "\n".join(f"{name}: {text}" for name, texts in findings.items() for text in texts)


def _position(head: Head) -> int:
    """Return how many records of the one input partition a head has behind it; −1 where it is another."""
    offsets = [offset for by in head.next_offsets.values() for offset in by.values()]
    return offsets[0] if len(offsets) == 1 else -1


def _some(things: Sequence[Any]) -> str:
    return ", ".join(map(str, things[:8])) + (" ..." if len(things) > 8 else "")

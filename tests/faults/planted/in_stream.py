"""Bugs in an adapter: what the service's own writer and the model's seat and reader would then do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.streams.kafka_writer import TransactionalWriter
from service.streams.port import Output, Partition
from tests.faults.planted.garden import planted
from tests.faults.simulation.groups import NO_GENERATION
from tests.faults.simulation.logs import Entry, Log
from tests.faults.simulation.seat import Identity, Seat
from tests.faults.simulation.stream import Reader
from tests.faults.simulation.transactions import ENDING, NO_EPOCH, Transactions
from tests.faults.simulation.writer import Writer

INIT, SEND, READ, IDENTITY, PRODUCE = (
    Transactions.init,
    Writer._send,
    Log.read,
    Seat._identity,
    Transactions.produce,
)


@planted(Writer, "_flush", "A commit goes through with a batch that has expired.")
def no_acknowledgement_check(writer: Writer) -> None:
    pass


@planted(Transactions, "init", "A new writer goes on in the epoch of the old one.")
def no_fence(transactions: Transactions, name: str) -> int:
    known = transactions._producers.get(name)
    if known is None or known.epoch == NO_EPOCH or known.state == ENDING:
        return INIT(transactions, name)
    known.sequences = {}
    return known.epoch


@planted(TransactionalWriter, "suspect", "A delayed end of one transaction hits a later one.")
def suspect_ignored(writer: Writer) -> bool:
    return False


@planted(Seat, "identity", "Who has no seat commits as a simple consumer would, and the broker takes it.")
def no_generation_taken(seat: Seat) -> Identity:
    seat.poll()
    identity = IDENTITY(seat)
    return identity if identity.generation_id >= 0 else Identity(seat._name, "", "", NO_GENERATION)


@planted(Seat, "prove", "What the client remembers is taken for what the group says.")
def cached_assignment_taken_for_proof(seat: Seat) -> bool:
    return bool(seat._assigned)


@planted(Writer, "_send", "Predictions are written whatever becomes of the commit.")
def predictions_outside_of_the_transaction(writer: Writer, outputs: Sequence[Output]) -> None:
    inside = []
    for output in outputs:
        if output.topic.endswith(".predictions"):
            records = [(key, value, ()) for key, value in zip(output.keys, output.values, strict=True)]
            writer._client.broker.append((output.topic, output.partition), records)
        else:
            inside.append(output)
    SEND(writer, inside)


@planted(Writer, "_send_offsets", "The group's offsets are committed whatever becomes of the rest.")
def offsets_outside_of_the_transaction(
    writer: Writer, next_offsets: Mapping[Partition, int], seat: Seat
) -> None:
    seat.identity()
    seat._group.commit(next_offsets)


@planted(Writer, "_end", "A commit returns before the broker has said that it took it.")
def end_not_waited_for(writer: Writer) -> None:
    client, transactions = writer._client, writer._transactions
    name, epoch = writer._name, writer._epoch
    fault = client.process.step("end")
    if fault is None:
        client.deliver(lambda: transactions.end(name, epoch, True))


@planted(Transactions, "produce", "A batch that is sent again is written again.")
def batches_not_numbered(
    transactions: Transactions, name: str, epoch: int, place: Partition, sequence: int, records: Any
) -> None:
    producer = transactions._producers[name]
    PRODUCE(transactions, name, epoch, place, producer.sequences.get(place, 0), records)


@planted(
    Log, "read", "The position stands behind the last record, before its marker, for ever short of the end."
)
def position_from_the_last_record(
    log: Log, position: int, limit: int, committed: bool = True
) -> tuple[list[Entry], int]:
    found, _ = READ(log, position, limit, committed)
    return found, found[-1].offset + 1 if found else position


@planted(Reader, "_answer", "A restore takes what was aborted, or may yet be.")
def uncommitted_read(reader: Reader, max_records: int) -> Any:
    reader.committed = False
    return ANSWER(reader, max_records)


ANSWER = Reader._answer

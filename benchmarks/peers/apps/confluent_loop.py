"""A loop on confluent-kafka; ``river`` learns record by record, ``copy`` passes records on as they are.

``python confluent_loop.py BOOTSTRAP SAMPLES OUTPUTS COUNT SHAPE river|copy|exactly-once``
"""

from __future__ import annotations

import sys
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer

from benchmarks.peers.apps.clock import BATCH, Clock
from benchmarks.peers.apps.river_model import Answer

# What the service sets, too: without them transactions and catching up wait for nothing.
BACKOFFS = {"retry.backoff.ms": 5, "fetch.queue.backoff.ms": 10, "fetch.wait.max.ms": 50}


def consumer(bootstrap: str, outputs: str, options: dict[str, Any]) -> Consumer:
    """Return a consumer in a group of its own."""
    own = {"bootstrap.servers": bootstrap, "group.id": f"{outputs}.group", "auto.offset.reset": "earliest"}
    return Consumer({**own, "enable.auto.commit": False, **options})


def one_by_one(bootstrap: str, samples: str, outputs: str, count: int, answer: Answer, clock: Clock) -> None:
    """At least once, as most would write it: poll, answer, produce; now and then flush and commit."""
    reader = consumer(bootstrap, outputs, {})
    producer = Producer({"bootstrap.servers": bootstrap})
    reader.subscribe([samples])
    done = 0
    while done < count:
        if (message := reader.poll(1.0)) is None or message.error():
            continue
        producer.produce(outputs, answer(message.value() or b""), message.key())
        producer.poll(0)
        done += 1
        if done % BATCH == 0 or done == count:
            producer.flush()
            reader.commit(asynchronous=False)
            clock.done(done)
    reader.close()


def in_transactions(
    bootstrap: str, samples: str, outputs: str, count: int, answer: Answer | None, clock: Clock
) -> None:
    """Exactly once: up to 5,000 records, and their offsets, in each transaction."""
    reader = consumer(bootstrap, outputs, {**BACKOFFS, "isolation.level": "read_committed"})
    options = {"retry.backoff.ms": 5, "queue.buffering.max.messages": 1_000_000}
    producer = Producer({"bootstrap.servers": bootstrap, "transactional.id": outputs, **options})
    reader.subscribe([samples])
    producer.init_transactions()
    done = 0
    while done < count:
        if not (messages := consume(reader, min(BATCH, count - done))):
            continue
        producer.begin_transaction()
        send(producer, outputs, messages, answer)
        positions = reader.position(reader.assignment())
        producer.send_offsets_to_transaction(positions, reader.consumer_group_metadata())
        producer.commit_transaction()
        done += len(messages)
        clock.done(done)
    reader.close()


def copy(bootstrap: str, samples: str, outputs: str, count: int, clock: Clock) -> None:
    """Pass records on outside transactions, in batches; as a ceiling it promises nothing."""
    reader = consumer(bootstrap, outputs, BACKOFFS)
    producer = Producer({"bootstrap.servers": bootstrap, "queue.buffering.max.messages": 1_000_000})
    reader.subscribe([samples])
    done = 0
    while done < count:
        if not (messages := consume(reader, min(BATCH, count - done))):
            continue
        send(producer, outputs, messages, None)
        producer.poll(0)
        done += len(messages)
        if done == count:
            producer.flush()
        if done < count:
            reader.commit()
        else:
            commit_the_rest(reader)
        clock.done(done)
    reader.close()


def commit_the_rest(reader: Consumer) -> None:
    """Commit, if the commit before, which ran on its own, has not taken these along."""
    try:
        reader.commit(asynchronous=False)
    except KafkaException as error:
        if error.args[0].code() != KafkaError._NO_OFFSET:
            raise


def consume(reader: Consumer, count: int) -> list[Any]:
    """Return up to so many records; what is no record is a passing trouble that the client tells of."""
    return [message for message in reader.consume(count, 1.0) if not message.error()]


def send(producer: Producer, outputs: str, messages: list[Any], answer: Answer | None) -> None:
    """Hand over the answers, or the records themselves, in one call."""
    values = [message.value() for message in messages]
    if answer is not None:
        values = [answer(value) for value in values]
    batch = [{"key": m.key(), "value": value} for m, value in zip(messages, values, strict=True)]
    if producer.produce_batch(outputs, batch) != len(batch):
        raise SystemExit("the producer did not take all records")


def main() -> None:
    """Run the loop that was asked for."""
    bootstrap, samples, outputs, count, shape, work, guarantee = sys.argv[1:]
    clock, place = Clock(), (bootstrap, samples, outputs, int(count))
    if guarantee == "exactly-once":
        in_transactions(*place, Answer(shape) if work == "river" else None, clock)
    elif work == "river":
        one_by_one(*place, Answer(shape), clock)
    else:
        copy(*place, clock)
    clock.print()


if __name__ == "__main__":
    main()

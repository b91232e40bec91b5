"""A loop on kafka-python; ``river`` learns record by record, ``copy`` passes records on in transactions.

``python kafka_python_loop.py BOOTSTRAP SAMPLES OUTPUTS COUNT SHAPE river|copy``
"""

from __future__ import annotations

import sys

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata

from benchmarks.peers.apps.clock import BATCH, Clock
from benchmarks.peers.apps.river_model import Answer


def consumer(bootstrap: str, samples: str, outputs: str, **options: object) -> KafkaConsumer:
    """Return a consumer in a group of its own."""
    return KafkaConsumer(
        samples,
        bootstrap_servers=bootstrap,
        group_id=f"{outputs}.group",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        **options,
    )


def one_by_one(bootstrap: str, samples: str, outputs: str, count: int, answer: Answer, clock: Clock) -> None:
    """At least once, as most would write it; now and then flush and commit."""
    reader = consumer(bootstrap, samples, outputs)
    producer = KafkaProducer(bootstrap_servers=bootstrap)
    for done, message in enumerate(reader, 1):
        producer.send(outputs, answer(message.value), message.key)
        if done % BATCH == 0 or done == count:
            producer.flush()
            reader.commit()
            clock.done(done)
        if done == count:
            break
    reader.close()
    producer.close()


def copy(bootstrap: str, samples: str, outputs: str, count: int, clock: Clock) -> None:
    """Pass records on, up to 5,000 in each transaction, with the service's settings."""
    sizes = {"max_partition_fetch_bytes": 10_000_000, "fetch_max_bytes": 50_000_000}
    reader = consumer(bootstrap, samples, outputs, retry_backoff_ms=5, fetch_max_wait_ms=50, **sizes)
    producer = KafkaProducer(
        bootstrap_servers=bootstrap,
        transactional_id=outputs,
        linger_ms=5,
        batch_size=262_144,
        retry_backoff_ms=5,
    )
    producer.init_transactions()
    done = 0
    while done < count:
        polled = reader.poll(1000, max_records=min(BATCH, count - done))
        if not (messages := [message for group in polled.values() for message in group]):
            continue
        producer.begin_transaction()
        for message in messages:
            producer.send(outputs, message.value, message.key, partition=0)
        position = OffsetAndMetadata(messages[-1].offset + 1, "", -1)
        producer.send_offsets_to_transaction({TopicPartition(samples, 0): position}, reader.group_metadata())
        producer.commit_transaction()
        done += len(messages)
        clock.done(done)
    reader.close()
    producer.close()


def main() -> None:
    """Run the loop that was asked for."""
    bootstrap, samples, outputs, count, shape, work = sys.argv[1:]
    clock, place = Clock(), (bootstrap, samples, outputs, int(count))
    if work == "river":
        one_by_one(*place, Answer(shape), clock)
    else:
        copy(*place, clock)
    clock.print()


if __name__ == "__main__":
    main()

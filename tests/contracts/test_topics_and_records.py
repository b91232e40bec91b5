"""Topics, and records that are written outside transactions and read back."""

from __future__ import annotations

import threading
import time

import pytest

from service.errors import OffsetGone, RecordTooLarge, TopicMissing
from service.streams.port import Batch, Header, Output, TopicSpec
from tests.contracts.rig import Rig, open_kind, output, read_to_end, wait_until


def test_a_topic_is_made_once_and_stays_as_it_is(rig: Rig) -> None:
    topic = rig.topic(partitions=2)
    rig.stream.append([output(topic, [b"kept"])])
    rig.stream.create_topics([TopicSpec(topic, 5), TopicSpec(other := rig.name(), 3)])
    assert rig.stream.partitions(topic) == 2
    assert rig.stream.partitions(other) == 3
    assert rig.values(topic) == [b"kept"]


def test_a_missing_topic_is_an_error_except_where_topics_are_made_on_first_use(rig: Rig) -> None:
    # The one difference between the streams: SQLite has no administrator who could have made it.
    missing = rig.name()
    if rig.kind == "sqlite":
        assert rig.stream.partitions(missing) == 1
        assert rig.stream.end_offset((missing, 0)) == 0
    else:
        with pytest.raises(TopicMissing, match=missing):
            rig.stream.partitions(missing)


def test_a_topic_keeps_its_id_and_one_made_anew_has_another(rig: Rig) -> None:
    topic, other = rig.topic(), rig.topic()
    id = rig.stream.topic_id(topic)
    assert id
    assert rig.open().topic_id(topic) == id
    assert rig.stream.topic_id(other) != id
    make_anew(rig, topic)
    assert rig.stream.topic_id(topic) not in ("", id)


def test_a_topics_id_is_the_same_by_either_client(rig: Rig) -> None:
    topic = rig.topic()
    other = {"confluent": "kafka-python", "kafka-python": "confluent"}.get(rig.kind, rig.kind)
    if other == "confluent":
        pytest.importorskip("confluent_kafka")
    with open_kind(other, rig.address) as stream:
        assert stream.topic_id(topic) == rig.stream.topic_id(topic)


def test_records_come_back_byte_for_byte(rig: Rig) -> None:
    topic = rig.topic()
    keys = [b"key", None, b"", b"\x00\xff", "größe".encode()]
    values = [b"value", b"", None, b"\xff\x00", b"x" * 10_000]
    headers: list[list[Header]] = [
        [("a", b"1"), ("b", None), ("a", b"")],
        [],
        [("größe", b"\x00\xff")],
        [],
        [],
    ]
    rig.stream.append([Output(topic, 0, keys, values, headers)])
    assert rig.read_all((topic, 0)) == [
        (offset, key, value, header)
        for offset, (key, value, header) in enumerate(zip(keys, values, headers, strict=True))
    ]


def test_records_tell_when_they_were_written_where_the_stream_keeps_times(rig: Rig) -> None:
    topic, before = rig.topic(), 1000 * time.time()
    rig.stream.append([output(topic, [b"a", b"b"])])
    with rig.stream.reader() as reader:
        reader.seek({(topic, 0): 0})
        batches: list[Batch] = []
        wait_until(lambda: batches.extend(reader.poll(10, 0.1)) or sum(map(len, batches)) == 2)
    times = [at for batch in batches for at in batch.timestamps_ms]
    if rig.kind in ("sqlite", "simulated"):
        assert times == []
    else:
        assert len(times) == 2
        assert all(before - 1000 <= at <= 1000 * time.time() + 1000 for at in times)


def test_offsets_run_from_the_first_to_the_end_in_each_partition(rig: Rig) -> None:
    topic = rig.topic(partitions=2)
    rig.stream.append([output(topic, [b"a", b"b"]), output(topic, [b"c"], partition=1)])
    rig.stream.append([output(topic, [b"d"]), output(topic, [])])
    assert [rig.stream.first_offset((topic, p)) for p in (0, 1)] == [0, 0]
    assert [rig.stream.end_offset((topic, p)) for p in (0, 1)] == [3, 1]
    assert rig.values(topic) == [b"a", b"b", b"d"]
    assert [value for _, _, value, _ in rig.read_all((topic, 1))] == [b"c"]


def test_nothing_is_known_of_an_unused_group_or_a_quiet_partition(rig: Rig) -> None:
    topic = rig.topic()
    assert rig.stream.group_offsets(rig.name(), topic) == {}
    assert rig.stream.open_transactions((topic, 0)) == ""


def test_a_record_over_the_topics_limit_is_refused(rig: Rig) -> None:
    topic = rig.topic(max_message_bytes="2000")
    assert rig.stream.max_record_bytes(topic) == 2000
    with pytest.raises(RecordTooLarge, match="2000"):
        rig.stream.append([output(topic, [b"x" * 5000])])
    rig.stream.append([output(topic, [b"small"])])
    assert rig.values(topic) == [b"small"]


def test_a_partition_that_a_topic_does_not_have_is_told_by_its_number(rig: Rig) -> None:
    topic = rig.topic(partitions=2)
    for partition in (2, -1):
        with pytest.raises(TopicMissing, match=f"{topic} has 2 partitions and no number {partition}"):
            rig.stream.append([output(topic, [b"lost"], partition)])
    rig.stream.append([output(topic, [b"kept"], partition=1)])
    assert [value for _, _, value, _ in rig.read_all((topic, 1))] == [b"kept"]


def test_poll_returns_no_more_than_asked_for_and_everything_in_order(rig: Rig) -> None:
    topic = rig.topic()
    expected = [b"%d" % i for i in range(250)]
    rig.stream.append([output(topic, expected)])
    reader = rig.reader({topic: 0})
    seen: list[bytes | None] = []

    def take() -> bool:
        batches = reader.poll(100, 0.5)
        assert sum(map(len, batches)) <= 100
        seen.extend(value for batch in batches for value in batch.values)
        assert reader.position((topic, 0)) >= len(seen)
        return len(seen) >= len(expected)

    wait_until(take)
    assert seen == expected


def test_a_batch_names_its_partition_and_its_columns_are_of_one_length(rig: Rig) -> None:
    topic = rig.topic()
    rig.stream.append([output(topic, [b"a", b"b"])])
    reader = rig.reader({topic: 0})
    [batch] = wait_until(lambda: reader.poll(10, 0.5))
    assert (batch.topic, batch.partition, list(batch.offsets)) == (topic, 0, [0, 1])
    assert len(batch) == len(batch.keys) == len(batch.values) == len(batch.headers) == 2


def test_poll_at_the_end_returns_nothing_in_time_and_wakes_for_a_late_record(rig: Rig) -> None:
    topic, producer = rig.topic(), rig.open()
    reader = rig.reader({topic: 0})
    assert reader.poll(10, 0) == []
    late = threading.Timer(0.2, lambda: producer.append([output(topic, [b"late"])]))
    late.start()
    [batch] = wait_until(lambda: reader.poll(10, 5))
    late.join()
    assert list(batch.values) == [b"late"]


def test_seek_reads_exactly_these_partitions_from_their_positions_also_backwards(rig: Rig) -> None:
    topic, other = rig.topic(), rig.topic()
    rig.stream.append([output(topic, [b"0", b"1", b"2"]), output(other, [b"x"])])
    reader = rig.reader({topic: 1, other: 0})
    assert [value for _, _, value, _ in read_to_end(rig.stream, reader, (topic, 0))][:2] != [b"0", b"1"]
    reader.seek({(topic, 0): 2})
    assert [value for _, _, value, _ in read_to_end(rig.stream, reader, (topic, 0))] == [b"2"]
    reader.seek({(topic, 0): 0})
    assert [offset for offset, *_ in read_to_end(rig.stream, reader, (topic, 0))] == [0, 1, 2]


def test_a_reader_sent_nowhere_reads_nothing_until_it_is_sent_on(rig: Rig) -> None:
    topic = rig.topic()
    rig.stream.append([output(topic, [b"0", b"1"])])
    reader = rig.reader({topic: 0})
    wait_until(lambda: reader.poll(10, 0.2))
    reader.seek({})
    rig.stream.append([output(topic, [b"2"])])
    reader.seek({(topic, 0): 2})
    assert list(wait_until(lambda: reader.poll(10, 0.2))[0].values) == [b"2"]


def test_two_partitions_are_both_read_to_the_end(rig: Rig) -> None:
    topic, other = rig.topic(), rig.topic()
    rig.stream.append([output(topic, [b"a"] * 50), output(other, [b"b"] * 50)])
    reader, counts = rig.reader({topic: 0, other: 0}), {topic: 0, other: 0}

    def take() -> bool:
        for batch in reader.poll(10, 0.5):
            counts[batch.topic] += len(batch)
        return sum(counts.values()) >= 100

    wait_until(take)
    assert counts == {topic: 50, other: 50}


def test_a_position_beyond_the_end_is_gone(rig: Rig) -> None:
    topic = rig.topic()
    rig.stream.append([output(topic, [b"0"])])
    reader = rig.reader({topic: 9})
    with pytest.raises(OffsetGone, match=topic):
        wait_until(lambda: reader.poll(10, 0.5))


def test_a_position_below_the_first_is_gone(rig: Rig) -> None:
    topic = rig.topic()
    rig.stream.append([output(topic, [b"0", b"1", b"2"])])
    cut(rig, topic, first=2)
    wait_until(lambda: rig.stream.first_offset((topic, 0)) == 2)
    reader = rig.reader({topic: 0})
    with pytest.raises(OffsetGone, match=topic):
        wait_until(lambda: reader.poll(10, 0.5))
    assert rig.values(topic) == [b"2"]


def test_everything_closes_twice_and_quietly(rig: Rig) -> None:
    topic, stream = rig.topic(), rig.open()
    for closing in (stream.reader(), stream.join(rig.name(), topic), stream.fence(rig.name()), stream):
        closing.close()
        closing.close()


def cut(rig: Rig, topic: str, first: int) -> None:
    """Drop the records below ``first``, as retention would."""
    if rig.kind == "sqlite":
        import sqlite3

        database = sqlite3.connect(rig.address)
        [(log,)] = database.execute("SELECT id FROM logs WHERE topic = ?", (topic,))
        database.execute(f"DELETE FROM records_{log} WHERE offset < ?", (first,))
        database.execute("UPDATE logs SET first_offset = ? WHERE id = ?", (first, log))
        database.commit()
        database.close()
    elif rig.kind == "simulated":
        rig.address.log((topic, 0)).cut(first)
    else:
        import kafka

        admin = kafka.KafkaAdminClient(bootstrap_servers=rig.address)
        admin.delete_records({kafka.TopicPartition(topic, 0): first})
        admin.close()


def make_anew(rig: Rig, topic: str) -> None:
    """Delete a topic, as an administrator would, and make it again."""
    if rig.kind == "sqlite":
        import sqlite3

        database = sqlite3.connect(rig.address)
        [(log,)] = database.execute("SELECT id FROM logs WHERE topic = ?", (topic,))
        database.execute(f"DROP TABLE records_{log}")
        database.execute("DELETE FROM topics WHERE name = ?", (topic,))
        database.execute("DELETE FROM logs WHERE topic = ?", (topic,))
        database.commit()
        database.close()
    elif rig.kind == "simulated":
        rig.address.delete(topic)
    else:
        import kafka

        admin = kafka.KafkaAdminClient(bootstrap_servers=rig.address)
        admin.delete_topics([topic])
        admin.close()
    wait_until(lambda: is_gone(rig, topic))
    rig.stream.create_topics([TopicSpec(topic)])


def is_gone(rig: Rig, topic: str) -> bool:
    """Whether the stream has taken note that a topic is no more."""
    try:
        return not rig.stream.topic_id(topic)
    except TopicMissing:
        return True

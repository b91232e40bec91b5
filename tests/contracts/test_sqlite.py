"""What only the embedded stream can show: its file, its locks, its processes."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.errors import ConfigurationError, Damaged, NotAuthorized, StreamError, TopicMissing, Unreachable
from service.streams import sqlite_file, sqlite_membership
from service.streams.port import Aborted, CommitFailed, Fenced, InDoubt, Output, TopicSpec
from service.streams.sqlite import SqliteStream, SqliteWriter
from service.streams.sqlite_file import SqliteFile
from service.streams.sqlite_membership import ranged
from tests.contracts.rig import output, wait_until


@pytest.fixture
def path(tmp_path: Path) -> str:
    return str(tmp_path / "stream.db")


@pytest.fixture
def stream(path: str) -> Iterator[SqliteStream]:
    with SqliteStream(path, 1500) as opened:
        yield opened


@pytest.fixture
def faked(path: str) -> Iterator[SqliteStream]:
    """Yield a stream for tests that set the clock: its sessions are so long that no heart beats by itself."""
    with SqliteStream(path, 600_000) as opened:
        yield opened


def values(stream: SqliteStream, topic: str) -> list[bytes | None]:
    with stream.reader() as reader:
        reader.seek({(topic, 0): stream.first_offset((topic, 0))})
        return [value for batch in reader.poll(1_000_000, 0) for value in batch.values]


def test_a_topic_is_made_on_first_use_by_whoever_comes_first(stream: SqliteStream) -> None:
    with stream.reader() as reader, stream.join("g", "by-join") as member, stream.fence("w") as writer:
        reader.seek({("by-reader", 0): 0})
        assert reader.poll(1, 0) == []
        member.poll()
        writer.commit([output("by-commit", [b"1"])], {("by-offset", 0): 1}, member)
    stream.append([output("by-append", [b"1"])])
    assert {stream.partitions(f"by-{who}") for who in ("reader", "join", "commit", "append")} == {1}


def test_a_partition_a_topic_does_not_have_is_missing(stream: SqliteStream) -> None:
    with pytest.raises(TopicMissing, match="no number 3"):
        stream.append([output("samples", [b"1"], partition=3)])
    stream.append([output("samples", [b"1"])])
    assert values(stream, "samples") == [b"1"]


def test_a_compacted_topic_keeps_the_last_record_of_each_key_and_its_offsets(stream: SqliteStream) -> None:
    stream.create_topics([TopicSpec("model", 1, {"cleanup.policy": "compact"})])
    stream.append([Output("model", 0, [b"a", b"b", b"a", None], [b"1", b"2", b"3", b"4"])])
    stream.append([Output("model", 0, [b"b", None], [None, b"5"])])
    with stream.reader() as reader:
        reader.seek({("model", 0): 1})
        [batch] = reader.poll(10, 0)
        assert list(batch.offsets) == [2, 3, 4, 5]
        assert list(batch.values) == [b"3", b"4", None, b"5"]
        assert reader.position(("model", 0)) == stream.end_offset(("model", 0)) == 6
    assert stream.first_offset(("model", 0)) == 0


def test_poll_serves_its_partitions_in_turn(stream: SqliteStream) -> None:
    stream.append([output("a", [b"a"] * 9), output("b", [b"b"] * 9)])
    with stream.reader() as reader:
        reader.seek({("a", 0): 0, ("b", 0): 0})
        assert [reader.poll(2, 0)[0].topic for _ in range(4)] == ["a", "b", "a", "b"]
        assert [len(batch) for batch in reader.poll(6, 0)] == [5, 1]


def test_what_is_not_a_stream_file_is_told_with_its_path(tmp_path: Path) -> None:
    text = tmp_path / "text.db"
    for content in ("x", "not a database, but longer than its header is: " * 20):
        text.write_text(content)
        with pytest.raises(Damaged, match=r"text\.db: .*stream\.url"):
            SqliteStream(str(text))
        assert text.read_text() == content
    with pytest.raises(Unreachable, match=r"missing.stream\.db: .*directory"):
        SqliteStream(str(tmp_path / "missing" / "stream.db"))
    with pytest.raises(Unreachable):
        SqliteStream(str(tmp_path))


def test_a_database_of_another_program_is_refused_and_left_as_it_was(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.db"
    with sqlite3.connect(foreign) as database:
        database.execute("CREATE TABLE theirs (x)")
    database.close()
    before = foreign.read_bytes()
    with pytest.raises(ConfigurationError, match="another program"):
        SqliteStream(str(foreign))
    assert foreign.read_bytes() == before


def test_a_damaged_file_is_told_as_such(path: str) -> None:
    with SqliteStream(path) as stream:
        stream.append([output("samples", [b"x" * 200] * 500)])
    with Path(path).open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 8192 * 6)
    with pytest.raises(Damaged, match="restore it"), SqliteStream(path) as stream:
        values(stream, "samples")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (sqlite3.SQLITE_READONLY, NotAuthorized),
        (sqlite3.SQLITE_FULL, Unreachable),
        (sqlite3.SQLITE_IOERR_FSYNC, Unreachable),
        (sqlite3.SQLITE_CONSTRAINT, StreamError),
    ],
)
def test_every_refusal_of_sqlite_has_its_kind(code: int, kind: type[StreamError]) -> None:
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorcode = code
    assert type(sqlite_file._explained("p", error)) is kind


def test_a_lock_held_too_long_aborts_a_commit_and_fails_the_rest(
    stream: SqliteStream, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream.append([output("model", [b"1"])])
    with stream.join("g", "model") as member, stream.fence("w") as writer:
        member.poll()
        monkeypatch.setattr(sqlite_file, "LOCK_TIMEOUT_S", 0.05)
        holder = sqlite3.connect(path, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")
        with pytest.raises(Aborted, match="lock"):
            writer.commit([output("model", [b"2"])], {}, member)
        with pytest.raises(Unreachable, match="lock"):
            stream.append([output("model", [b"3"])])
        assert values(stream, "model") == [b"1"]  # readers do not wait
        holder.close()
        with pytest.raises(Fenced, match="dead"):
            writer.commit([output("model", [b"2"])], {}, member)
        with stream.fence("w") as writer:
            writer.commit([output("model", [b"4"])], {}, member)
    assert values(stream, "model") == [b"1", b"4"]


@pytest.mark.parametrize(
    ("failing", "kind"), [("INSERT OR REPLACE INTO group", Aborted), ("COMMIT", InDoubt)]
)
def test_a_commit_is_in_doubt_only_when_the_last_step_failed(
    stream: SqliteStream, monkeypatch: pytest.MonkeyPatch, failing: str, kind: type[CommitFailed]
) -> None:
    with stream.join("g", "model") as member, stream.fence("w") as writer:
        member.poll()
        whole = SqliteFile.rows

        def refuse(file: SqliteFile, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
            if sql.startswith(failing):
                raise Unreachable("disk I/O error")
            return whole(file, sql, *parameters)

        monkeypatch.setattr(SqliteFile, "rows", refuse)
        with pytest.raises(kind):
            writer.commit([output("model", [b"1"]), output("new", [b"1"])], {("s", 0): 1}, member)
        monkeypatch.setattr(SqliteFile, "rows", whole)
        assert values(stream, "model") == []
        with stream.fence("w") as next_writer:
            next_writer.commit([output("new", [b"2"])], {}, member)
    assert values(stream, "new") == [b"2"]


def test_a_lapsed_seat_can_neither_prove_nor_commit_and_goes_to_the_end_of_the_row(
    faked: SqliteStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = 1_000_000
    monkeypatch.setattr(sqlite_membership, "_now_ms", lambda: now_ms)
    with faked.join("g", "model") as one, faked.join("g", "model") as two, faked.fence("w") as writer:
        assert [one.poll(), two.poll()] == [{0}, set()]
        now_ms += 400_000
        assert two.poll() == frozenset()  # renewed, as a third of the timeout has gone
        now_ms += 400_000
        assert not one.prove()
        with pytest.raises(Fenced, match="lapsed"):
            writer.commit([output("model", [b"1"])], {}, one)
        assert [two.poll(), one.poll()] == [{0}, set()]
        assert two.prove()


def test_a_lease_is_prolonged_while_it_runs_and_never_revived(
    faked: SqliteStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = 1_000_000
    monkeypatch.setattr(sqlite_membership, "_now_ms", lambda: now_ms)
    with faked.join("g", "model") as member:
        member.poll()
        now_ms += 400_000
        member._prolong(member._file)
        now_ms += 400_000
        assert member.stands(member._file)
        now_ms += 200_000
        member._prolong(member._file)
        assert not member.stands(member._file)


def test_a_seat_is_kept_by_its_heart_and_for_no_longer_than_it_is_open(path: str) -> None:
    with SqliteStream(path, 200) as stream, stream.join("g", "model") as member:
        member.poll()
        [(expires_ms,)] = member._file.rows("SELECT expires_ms FROM seats")
        wait_until(lambda: sqlite_membership._now_ms() > expires_ms)
        assert member.stands(member._file)
    assert not member._heart.is_alive()


def test_a_seat_from_before_a_restart_of_the_machine_is_void(
    stream: SqliteStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = 900_000_000
    monkeypatch.setattr(sqlite_membership, "_now_ms", lambda: now_ms)
    with stream.join("g", "model", "static") as before:
        assert before.poll() == {0}
    now_ms = 20_000
    with stream.join("g", "model") as after:
        assert after.poll() == {0}


def test_a_heartbeat_writes_only_when_a_third_of_the_timeout_has_gone(
    faked: SqliteStream, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_ms = 1_000_000
    monkeypatch.setattr(sqlite_membership, "_now_ms", lambda: now_ms)
    with faked.join("g", "model") as member, sqlite3.connect(path) as watcher:
        member.poll()
        version = watcher.execute("PRAGMA data_version").fetchone()
        now_ms += 199_999
        member.poll()
        assert watcher.execute("PRAGMA data_version").fetchone() == version
        now_ms += 2
        member.poll()
        assert watcher.execute("PRAGMA data_version").fetchone() != version
    watcher.close()


def test_a_file_that_was_removed_or_replaced_is_told_to_readers_and_writers(
    stream: SqliteStream, path: str
) -> None:
    with stream.reader() as reader:
        reader.seek({("samples", 0): 0})
        reader.poll(1, 0)
        Path(path).unlink()
        for again in (lambda: None, SqliteStream(path).close):
            again()
            with pytest.raises(StreamError, match="removed or replaced"):
                reader.poll(1, 0)
            with pytest.raises(StreamError, match="removed or replaced"):
                stream.append([output("samples", [b"1"])])


def test_ranges_are_those_of_kafka() -> None:
    shares = [[sorted(ranged(5, members, place)) for place in range(members)] for members in (1, 2, 3, 6)]
    assert shares == [
        [[0, 1, 2, 3, 4]],
        [[0, 1, 2], [3, 4]],
        [[0, 1], [2, 3], [4]],
        [[0], [1], [2], [3], [4], []],
    ]


def test_another_thread_may_close_what_is_being_waited_on(stream: SqliteStream) -> None:
    reader = stream.reader()
    reader.seek({("samples", 0): 0})
    closing = threading.Timer(0.1, reader.close)
    closing.start()
    with pytest.raises(StreamError, match="closed"):
        reader.poll(1, 10)
    closing.join()
    stream.close()
    with pytest.raises(StreamError, match="closed"):
        stream.append([output("samples", [b"1"])])


PRODUCER = """
import sys
from service.streams.sqlite import SqliteStream
from tests.contracts.rig import output
path, name = sys.argv[1:]
with SqliteStream(path) as stream:
    for number in range(100):
        stream.append([output("shared", [f"{name} {number}".encode()] * 5)])
"""

RIVAL = """
import sys
from service.streams.port import CommitFailed
from service.streams.sqlite import SqliteStream
from tests.contracts.rig import output
path, name = sys.argv[1:]
confirmed = 0
with SqliteStream(path) as stream, stream.join(name, "model") as member:
    member.poll()
    while confirmed < 40:
        with stream.fence("the one name") as writer:
            try:
                for _ in range(5):
                    writer.commit([output("counted", [name.encode()] * 3)], {("s", 0): confirmed + 1}, member)
                    confirmed += 1
            except CommitFailed:
                pass
print(confirmed)
"""


def in_two_processes(code: str, path: str) -> list[str]:
    processes = [
        subprocess.Popen([sys.executable, "-c", code, path, name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    answers = [process.communicate(timeout=60)[0].strip() for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return answers


def test_two_processes_append_at_once_and_nothing_is_lost_or_torn(path: str) -> None:
    in_two_processes(PRODUCER, path)  # both find no file: one of them makes it
    with SqliteStream(path) as stream, stream.reader() as reader:
        reader.seek({("shared", 0): 0})
        [batch] = reader.poll(10_000, 0)
    assert list(batch.offsets) == list(range(1000))
    runs = [set(batch.values[start : start + 5]) for start in range(0, 1000, 5)]
    assert all(len(run) == 1 for run in runs)
    assert len(set.union(*runs)) == 200


def test_writers_fencing_each_other_confirm_exactly_what_is_in_the_log(path: str) -> None:
    confirmed = in_two_processes(RIVAL, path)
    with SqliteStream(path) as stream:
        written = values(stream, "counted")
        for name, count in zip(("one", "two"), confirmed, strict=True):
            assert written.count(name.encode()) == 3 * int(count)
            assert stream.group_offsets(name, "s") == {0: int(count)}


def test_a_fence_waits_for_the_transaction_that_an_older_writer_has_open(
    stream: SqliteStream, path: str
) -> None:
    holder = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN IMMEDIATE")
    writers: list[SqliteWriter] = []
    waiting = threading.Thread(target=lambda: writers.append(stream.fence("w")))
    waiting.start()
    waiting.join(0.1)
    assert not writers
    holder.execute("COMMIT")
    waiting.join()
    assert wait_until(lambda: writers)
    writers[0].close()
    holder.close()

"""Crash and refuse at every operation of the embedded stream: it goes on exactly, and our checks can fail."""

from __future__ import annotations

import resource
from collections.abc import Mapping, Sequence
from functools import reduce
from pathlib import Path
from unittest.mock import patch

import pytest

from service.streams.port import Membership, Output, Partition
from service.streams.select import open_stream
from service.streams.sqlite import SqliteWriter
from tests.contracts.rig import wait_until
from tests.corpus import cases, settings
from tests.faults.checks import assert_exact
from tests.faults.embedded.bystander import kills
from tests.faults.embedded.campaign import Campaign
from tests.faults.embedded.full_disk import refusals
from tests.faults.embedded.life import FILE, SCENARIOS, Boot, live, live_in
from tests.faults.embedded.operations import Ack, Create, Delete, Disk, Sync, Truncate, Write
from tests.faults.embedded.vfs import observed_vfs
from tests.faults.oracle import Oracle
from tests.faults.processes import provide, worker


@pytest.fixture(autouse=True)
def _observable() -> None:
    try:
        observed_vfs()
    except RuntimeError as hidden:
        pytest.skip(str(hidden))


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_crash_is_recovered_from_exactly(name: str) -> None:
    run = Campaign(name, SCENARIOS[name], seed=5)
    run.run(size=1)
    run.run_chains(10)
    assert run.findings == []
    states = {str(row["kind"]): row["states"] for row in run.rows()}
    assert states["process crash"] == states["process crash in recovery"] == run.boundaries > 100
    assert states["power cut in recovery"] == run.boundaries


def test_a_kill_beside_a_living_process_is_recovered_from_exactly() -> None:
    [row] = kills(stride=7, first=3)
    assert row["divergences"] == 0
    assert row["states"] == row["boundaries"] > 5


def test_a_disk_that_refuses_for_a_while_loses_nothing() -> None:
    rows = refusals(stride=13, first=4)
    assert sum(int(str(row["states"])) for row in rows) > 100
    assert [row for row in rows if row["divergences"]] == []


def test_a_learner_stands_while_its_file_may_not_grow_and_goes_on_when_it_may(tmp_path: Path) -> None:
    records, chosen, file = cases(3_000), settings(), tmp_path / "stream.db"
    url, sections = f"sqlite:{file}", {"engine": {"max_batch": 100}}
    with open_stream(url) as stream:
        provide(stream, chosen, records)
        with worker(url, "auto", sections) as started:
            assert started.next_commit()
            room = file.with_name("stream.db-wal").stat().st_size + 50_000
            before = resource.prlimit(started.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(started.pid, resource.RLIMIT_FSIZE, (room, before[1]))
            wait_until(lambda: "quota" in started.errors())
            resource.prlimit(started.pid, resource.RLIMIT_FSIZE, before)
            started.finish()
        assert_exact(stream, Oracle(records, chosen))


# The checks can fail


def findings_with(pragma: str | None) -> list[str]:
    run = Campaign("planted", pragma, seed=7)
    run.run(size=2, stride=3, recoveries=False)
    return run.findings


def test_a_stream_that_does_not_sync_is_caught() -> None:
    findings = findings_with("synchronous = OFF")
    assert any("was acknowledged" in finding for finding in findings)


def test_syncing_only_at_checkpoints_loses_commits_but_never_half_of_one() -> None:
    findings = findings_with("synchronous = NORMAL")
    assert findings
    assert all("was acknowledged" in finding for finding in findings)


def test_a_commit_in_two_transactions_is_caught() -> None:
    whole = SqliteWriter.begin

    def in_two(
        self: SqliteWriter,
        outputs: Sequence[Output],
        next_offsets: Mapping[Partition, int],
        membership: Membership,
    ) -> None:
        whole(self, outputs[:1], {}, membership)
        whole(self, outputs[1:], next_offsets, membership)

    with patch.object(SqliteWriter, "begin", in_two):
        findings = findings_with(None)
    assert any("found: every_record_is_answered" in finding for finding in findings)


# What the campaign stands on


def test_the_trace_of_a_life_rebuilds_its_files_to_the_byte(tmp_path: Path) -> None:
    for life in (live_in(tmp_path, Boot()), live_in(tmp_path, Boot().after_process_crash())):
        assert not life.error
    disk = reduce(Disk.after, [*live({}, Boot()).trace, *life.trace], Disk.of({}))
    assert disk.image(disk.pending) == {FILE: (tmp_path / FILE).read_bytes()}


def test_equal_lives_ask_the_same_of_the_disk() -> None:
    assert live({}, Boot()) == live({}, Boot())


def test_only_what_was_synced_is_certain() -> None:
    operations = [Write("a", 0, b"new"), Sync("a", False), Write("a", 3, b"er"), Truncate("a", 1)]
    disk = reduce(Disk.after, operations, Disk.of({"a": b"old"}))
    assert disk.image([]) == {"a": b"new"}
    assert disk.image(disk.pending[:1]) == {"a": b"newer"}
    assert disk.image(disk.pending[1:]) == {"a": b"n"}
    assert disk.image(disk.pending) == {"a": b"n"}


def test_a_name_is_certain_once_its_directory_is_synced() -> None:
    operations = [Delete("journal", synced=False), Create("log"), Write("log", 2, b"x")]
    disk = reduce(Disk.after, operations, Disk.of({"journal": b"hot"}))
    assert disk.after(Sync("log", directory=False)).image([]) == {"journal": b"hot"}
    assert disk.after(Sync("log", directory=True)).image([]) == {"log": b"\0\0x"}


def test_what_was_acknowledged_stays_so() -> None:
    disk = Disk.of({}, Ack(18, 6)).after(Ack(18, 0)).after(Ack(18, 12))
    assert disk.ack == Ack(18, 12)

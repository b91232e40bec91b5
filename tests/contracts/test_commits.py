"""Commits: all or nothing, by the only living writer, with a current seat."""

from __future__ import annotations

import pytest

from service.streams.port import CommitFailed, Fenced, Output
from tests.contracts.other_process import other_process
from tests.contracts.rig import Rig, output, read_to_end, wait_until


def test_a_commit_writes_all_outputs_in_order_and_the_groups_offsets(rig: Rig) -> None:
    model, samples, results = rig.topic(), rig.topic(partitions=2), rig.topic()
    group, headers = rig.name(), [[("why", b"not")], []]
    with rig.seated(model, group) as member, rig.stream.fence(rig.name()) as writer:
        outputs = [
            Output(results, 0, [b"k", None], [b"a", b"b"], headers),
            output(model, [b"blocks"]),
            output(results, [b"c"]),
            output(model, [b"head"]),
        ]
        writer.commit(outputs, {(samples, 0): 17, (samples, 1): 4}, member)
        assert not writer.suspect
    read = [record[1:] for record in rig.read_all((results, 0))]
    assert read == [(b"k", b"a", headers[0]), (None, b"b", []), (None, b"c", [])]
    assert rig.values(model) == [b"blocks", b"head"]
    assert rig.stream.group_offsets(group, samples) == {0: 17, 1: 4}


def test_commits_follow_each_other_and_offsets_may_come_alone(rig: Rig) -> None:
    model, samples, group = rig.topic(), rig.topic(), rig.name()
    with rig.seated(model, group) as member, rig.stream.fence(rig.name()) as writer:
        for number in (1, 2, 3):
            writer.commit([output(model, [b"%d" % number])], {(samples, 0): number}, member)
        writer.commit([], {(samples, 0): 9}, member)
        writer.commit([output(model, [b"no offsets"])], {}, member)
    assert rig.values(model) == [b"1", b"2", b"3", b"no offsets"]
    assert rig.stream.group_offsets(group, samples) == {0: 9}


def test_what_was_begun_is_there_once_it_is_finished_whatever_is_done_meanwhile(rig: Rig) -> None:
    model, samples, group = rig.topic(), rig.topic(), rig.name()
    rig.stream.append([output(samples, [b"1", b"2"])])
    reader = rig.reader({samples: 0})
    with rig.seated(model, group) as member, rig.stream.fence(rig.name()) as writer:
        writer.finish()  # nothing was begun
        for number in (1, 2):
            writer.begin([output(model, [b"%d" % number])], {(samples, 0): number}, member)
            assert member.poll() == {0}
            assert reader.poll(1, 5.0)
            writer.finish()
        writer.finish()
    assert rig.values(model) == [b"1", b"2"]
    assert rig.stream.group_offsets(group, samples) == {0: 2}


def test_who_is_fenced_with_a_commit_under_way_has_written_all_of_it_or_nothing(rig: Rig) -> None:
    model, name, group = rig.topic(), rig.name(), rig.name()
    with rig.seated(model, group) as member, rig.stream.fence(name) as old:
        old.begin([output(model, [b"old"])], {(model, 0): 1}, member)
        with rig.open().fence(name) as new:
            written = rig.values(model)
            assert written in ([], [b"old"])
            assert rig.stream.group_offsets(group, model) == ({0: 1} if written else {})
            if not written:
                with pytest.raises(CommitFailed):
                    old.finish()
            new.commit([output(model, [b"new"])], {(model, 0): 2}, member)
    assert rig.values(model) == [*written, b"new"]


def test_the_position_reaches_the_end_past_markers_and_goes_on_from_there(rig: Rig) -> None:
    model = rig.topic()
    reader = rig.reader({model: 0})
    seen: list[bytes | None] = []

    def at_end() -> bool:  # a marker may follow its commit by a moment
        seen.extend(value for batch in reader.poll(10, 0.2) for value in batch.values)
        return reader.position((model, 0)) == rig.stream.end_offset((model, 0)) and bool(seen)

    with rig.seated(model) as member, rig.stream.fence(rig.name()) as writer:
        for value in (b"first", b"second"):
            seen.clear()
            writer.commit([output(model, [value])], {}, member)
            wait_until(at_end)
            assert seen == [value]


def test_an_older_writer_of_the_name_writes_nothing_and_the_new_one_goes_on(rig: Rig) -> None:
    model, name, group = rig.topic(), rig.name(), rig.name()
    with rig.seated(model, group) as member, rig.stream.fence(name) as old:
        old.commit([output(model, [b"old"])], {(model, 0): 1}, member)
        with rig.open().fence(name) as new:
            with pytest.raises(Fenced):
                old.commit([output(model, [b"zombie"])], {(model, 0): 2}, member)
            with pytest.raises(CommitFailed):  # dead for good
                old.commit([output(model, [b"zombie again"])], {(model, 0): 3}, member)
            assert rig.values(model) == [b"old"]
            assert rig.stream.group_offsets(group, model) == {0: 1}
            new.commit([output(model, [b"new"])], {(model, 0): 4}, member)
    assert rig.values(model) == [b"old", b"new"]
    assert rig.stream.group_offsets(group, model) == {0: 4}


def test_writers_of_different_names_do_not_disturb_each_other(rig: Rig) -> None:
    model = rig.topic()
    with rig.seated(model) as member, rig.stream.fence(rig.name()) as one:
        with rig.stream.fence(rig.name()) as two:
            two.commit([output(model, [b"two"])], {}, member)
        one.commit([output(model, [b"one"])], {}, member)
    assert rig.values(model) == [b"two", b"one"]


def test_a_seat_that_was_left_can_commit_nothing(rig: Rig) -> None:
    model, group = rig.topic(), rig.name()
    member = rig.seated(model, group)
    with rig.stream.fence(rig.name()) as writer:
        member.close()
        with pytest.raises(Fenced):
            writer.commit([output(model, [b"stale"])], {(model, 0): 1}, member)
    assert rig.values(model) == []
    assert rig.stream.group_offsets(group, model) == {}


def test_a_writer_killed_in_mid_commit_leaves_nothing_and_the_next_fence_frees_the_log(rig: Rig) -> None:
    model, group, name = rig.topic(), rig.name(), rig.name()
    reader = rig.reader({model: 0})
    with other_process(rig, group, model, name) as other:
        assert other.tell("commit") == "committed"
        list(read_to_end(rig.stream, reader, (model, 0)))
        assert other.tell("stall") == "stalled"
        assert reader.poll(10, 0.3) == []  # uncommitted data is invisible
        other.kill()
    with rig.stream.fence(name) as writer, rig.seated(model) as member:
        assert list(read_to_end(rig.stream, reader, (model, 0))) == []
        assert rig.stream.group_offsets(group, model) == {0: 1}
        writer.commit([output(model, [b"after"])], {}, member)
    assert rig.values(model) == [b"from the other process", b"after"]

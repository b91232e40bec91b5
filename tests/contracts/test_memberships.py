"""Seats in a group: who owns the shards, when that changes, and what proves it."""

from __future__ import annotations

import signal
import time

import pytest

from service.errors import ConfigurationError
from tests.contracts.other_process import other_process
from tests.contracts.rig import SESSION_TIMEOUT_MS, Rig, output, polled, wait_until

SHARD = frozenset({0})
TAKEOVER_S = 6 * SESSION_TIMEOUT_MS / 1000


def test_the_oldest_keeps_its_shard_and_a_clean_leave_hands_it_over(rig: Rig) -> None:
    model, group = rig.topic(), rig.name()
    oldest = rig.seated(model, group)
    assert oldest.prove()
    standby = rig.join(group, model)
    deadline = time.monotonic() + 1.0
    while time.monotonic() < deadline:  # long enough for a rebalance to go through
        assert polled(standby, oldest)[0] == frozenset()
    wait_until(lambda: polled(oldest, standby) == [SHARD, set()] and oldest.prove())
    oldest.close()
    wait_until(lambda: standby.poll() == SHARD, within_s=TAKEOVER_S)
    wait_until(standby.prove)


def test_two_members_share_two_shards(rig: Rig) -> None:
    model, group = rig.topic(partitions=2), rig.name()
    one = rig.join(group, model)
    wait_until(lambda: one.poll() == {0, 1})
    two = rig.join(group, model)
    wait_until(lambda: polled(one, two) == [{0}, {1}])


def test_groups_do_not_know_each_other(rig: Rig) -> None:
    model = rig.topic()
    assert rig.seated(model).poll() == rig.seated(model).poll() == SHARD


def test_a_dead_members_shard_is_free_after_its_session(rig: Rig) -> None:
    model, group = rig.topic(), rig.name()
    with other_process(rig, group, model, rig.name()) as other:
        standby = rig.join(group, model)
        assert standby.poll() == frozenset()
        other.kill()
        wait_until(lambda: standby.poll() == SHARD, within_s=2 * TAKEOVER_S)


def test_a_member_woken_from_a_freeze_can_neither_prove_nor_commit(rig: Rig) -> None:
    model, group, name = rig.topic(), rig.name(), rig.name()
    with other_process(rig, group, model, name) as zombie:
        assert zombie.tell("prove") == "True"
        standby = rig.join(group, model)
        zombie.signal(signal.SIGSTOP)
        wait_until(lambda: standby.poll() == SHARD and standby.prove(), within_s=2 * TAKEOVER_S)
        with rig.stream.fence(name) as writer:
            writer.commit([output(model, [b"successor"])], {}, standby)
            zombie.signal(signal.SIGCONT)
            assert zombie.tell("prove") == "False"
            assert zombie.tell("commit") == "Fenced"
            wait_until(lambda: standby.poll() == SHARD, within_s=2 * TAKEOVER_S)  # the zombie has joined anew
            writer.commit([output(model, [b"undisturbed"])], {}, standby)
    assert rig.values(model) == [b"successor", b"undisturbed"]


def test_a_static_member_keeps_its_seat_over_a_restart(rig: Rig) -> None:
    # Kafka ranks a static member by its instance id, not by its age: this one comes first in any case.
    model, group, instance = rig.topic(), rig.name(), f"000-{rig.name()}"
    first = rig.join(group, model, instance)
    wait_until(lambda: first.poll() == SHARD)
    standby = rig.join(group, model)
    wait_until(lambda: polled(first, standby) == [SHARD, set()] and first.prove())
    first.close()
    restarted = rig.join(group, model, instance)
    wait_until(lambda: polled(restarted, standby) == [SHARD, set()], within_s=TAKEOVER_S)
    assert standby.poll() == frozenset()


def test_of_two_processes_with_one_instance_id_the_older_is_told(rig: Rig) -> None:
    model, group, instance = rig.topic(), rig.name(), rig.name()
    older = rig.join(group, model, instance)
    wait_until(lambda: older.poll() == SHARD)
    newer = rig.join(group, model, instance)

    with pytest.raises(ConfigurationError, match=instance):
        wait_until(lambda: not polled(newer, older))  # never: it raises
    wait_until(lambda: newer.poll() == SHARD)

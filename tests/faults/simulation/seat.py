"""A seat in a group as a client has it: what it believes, and when it is told otherwise."""

from __future__ import annotations

from contextlib import suppress

from service.streams import kafka_common as common
from service.streams.kafka_python_clients import current
from service.streams.port import Closing
from tests.faults.simulation.client import Client
from tests.faults.simulation.groups import NO_GENERATION
from tests.faults.simulation.process import Killed
from tests.faults.simulation.refusals import Refused

JOIN_SLICE_S = 0.02


class Identity:
    """What the group is told of a member: kafka-python's words, so that its adapter's check judges it."""

    def __init__(self, group: str, member_id: str, instance_id: str, generation: int) -> None:
        self.group_id = group
        self.member_id = member_id
        self.instance_id = instance_id
        self.generation_id = generation

    @property
    def wire(self) -> tuple[str, str, int]:
        """The identity as the broker takes it."""
        return self.member_id, self.instance_id, self.generation_id


class Seat(Closing):
    """A member of a group; heartbeats go on by themselves, polls learn what they brought."""

    def __init__(self, client: Client, name: str, topic: str, instance_id: str, session_s: float) -> None:
        self._client = client
        self._process = client.process
        self._name = name
        self._group = client.broker.groups[name]
        self._topic = topic
        self._instance_id = instance_id
        self._session_s = session_s
        self._lag_s = client.clock.random.random() * session_s / 3
        self._client_id = f"{int(client.clock.now * 1e6):018d}-{client.broker.next_number():06d}"
        self._open = True
        self._forget()

    def _forget(self) -> None:
        self._id, self._generation, self._assigned = "", NO_GENERATION, frozenset[int]()

    def poll(self) -> frozenset[int]:
        """Heartbeat, take part in rebalances, and return the partitions assigned now."""
        if not self._open:
            return frozenset()
        self._process.step("group")
        if self._has_heard_of_news():
            with self._client.telling(), suppress(_Away):
                self._join()
        return self._assigned

    def _has_heard_of_news(self) -> bool:
        """Whether a heartbeat since the change, or since a silence, was answered."""
        if not self._id:
            return True
        if not self._group.has_news(self._id, self._generation) or self._process.is_silent:
            return False
        return self._client.clock.now >= self._lag_s + max(self._group.changed_at, self._process.silent_until)

    def _join(self) -> None:
        """Give up what is assigned, and wait a while for the next generation."""
        self._generation, self._assigned = NO_GENERATION, frozenset()
        deadline = self._client.clock.now + self._session_s / 2
        self._ask_to_join()
        while (seat := self._told_seat()) is None:
            if self._client.clock.now > deadline:
                return
            self._process.sleep(JOIN_SLICE_S)
        self._generation, self._assigned = seat

    def _ask_to_join(self) -> None:
        try:
            if self._id:
                return self._ask("join", lambda: self._group.rejoin(self._id, self._instance_id))
        except _Unknown:
            self._forget()
        width = self._client.broker.width
        self._id = self._ask(
            "join",
            lambda: self._group.join(
                self._process,
                self._client_id,
                self._instance_id,
                self._session_s,
                lambda: width(self._topic),
            ),
        )
        return None

    def _told_seat(self) -> tuple[int, frozenset[int]] | None:
        try:
            return self._group.seat(self._id, self._instance_id)
        except Refused as refused:
            self._raise_if_taken(refused)
            self._forget()
            raise _Away from None

    def prove(self) -> bool:
        """Whether the group confirms, in a round trip, that this seat and its assignment are current."""
        shards = self.poll()
        return bool(shards) and self._confirm() and self.poll() == shards

    def _confirm(self) -> bool:
        identity = self._identity().wire
        try:
            if identity[2] == NO_GENERATION:
                return False
            with self._client.telling():
                self._ask("prove", lambda: self._group.check(*identity))
        except (_Away, _Unknown):
            return False
        return True

    def identity(self) -> Identity:
        """Return what the group knows us by right now."""
        self.poll()
        return current(self._identity())

    def _identity(self) -> Identity:
        return Identity(self._name, self._id, self._instance_id, self._generation)

    def _ask(self, point, request):
        """Ask the group; tell apart what the seat lives with."""
        try:
            return self._client.ask(point, request)
        except Refused as refused:
            self._raise_if_taken(refused)
            raise (_Away if refused.name in common.AWAY else _Unknown) from None

    def _raise_if_taken(self, refused: Refused) -> None:
        if refused.name == "FENCED_INSTANCE_ID":
            raise common.instance_taken(self._instance_id) from None

    def close(self) -> None:
        """Leave the group, unless the seat is static."""
        if self._open:
            self._open = False
            if self._id and not self._instance_id:
                with suppress(Killed, Refused):
                    self._client.ask("leave", lambda: self._group.leave(self._id), self._session_s)


class _Away(Exception):
    """The group does not answer."""


class _Unknown(Exception):
    """The group does not know the member, or not in this generation."""

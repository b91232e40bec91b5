"""A member and writer beside the test, over the same model broker, to be frozen and killed like a process."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from typing import Any

from service.streams.port import CommitFailed, Output
from tests.faults.simulation.broker import Broker
from tests.faults.simulation.process import FOR_EVER, Killed, Outsider
from tests.faults.simulation.stream import SimulatedStream

MANY = 3000


class _DeadlyValues(Sequence[bytes]):
    """Many values; whoever takes the last of them dies of it."""

    def __init__(self, process: Outsider) -> None:
        self._process = process

    def __len__(self) -> int:
        return MANY

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(MANY))]
        if index == MANY - 1:
            self._process.die()
            raise Killed
        return b"never to be seen"


class Neighbour:
    """Obeys the same words as the contract suite's other processes, each at once."""

    def __init__(
        self, broker: Broker, session_ms: int, group: str, topic: str, writer: str, instance_id: str = ""
    ) -> None:
        self._process = Outsider(broker.clock)
        self._topic = topic
        stream = SimulatedStream(broker, self._process, session_ms)
        self._member = stream.join(group, topic, instance_id)
        while self._member.poll() != {0}:
            self._process.sleep(0.01)
        self._writer = stream.fence(writer)

    def tell(self, command: str) -> str:
        """Obey a command."""
        if command == "prove":
            return str(self._member.prove())
        values = _DeadlyValues(self._process) if command == "stall" else [b"from the other process"]
        try:
            output = Output(self._topic, 0, [None] * len(values), values)
            self._writer.commit([output], {(self._topic, 0): 1}, self._member)
        except CommitFailed as error:
            return type(error).__name__
        except Killed:
            return "stalled"
        return "committed"

    def signal(self, number: int) -> None:
        """Freeze or wake."""
        if number == signal.SIGSTOP:
            self._process.silence(FOR_EVER)
        else:
            self._process.wake()

    def kill(self) -> None:
        """End at once."""
        self._process.die()

    def __enter__(self) -> Neighbour:
        return self

    def __exit__(self, *error: object) -> None:
        self.kill()

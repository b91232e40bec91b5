"""The writer: the service's own commit protocol over the model's requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from service.streams.kafka_common import COMMIT_TIMEOUT_S, TIMEOUT_S
from service.streams.kafka_writer import TransactionalWriter
from service.streams.port import Membership, Output, Partition
from tests.faults.simulation.client import Client
from tests.faults.simulation.process import Killed
from tests.faults.simulation.refusals import Refused
from tests.faults.simulation.seat import Seat

CHUNK = 1000


class Writer(TransactionalWriter):
    """The only living writer of its name."""

    _servers = "simulation"

    def __init__(self, client: Client, name: str) -> None:
        super().__init__()
        self._client = client
        self._transactions = client.broker.transactions
        self._name = name
        self._sequences: dict[Partition, int] = {}
        self._failures: list[Refused] = []
        with client.telling(f"transactional id {name}"):
            self._epoch = client.ask("fence", lambda: self._transactions.init(name), COMMIT_TIMEOUT_S)
        self._disconnections = client.disconnections

    def _begin(self) -> None:
        self._failures = []

    def _send(self, outputs: Sequence[Output]) -> None:
        """Hand records over; what becomes of a batch is told by its promise, not here."""
        for output in outputs:
            self._client.broker.log((output.topic, output.partition))
        places = sorted({(output.topic, output.partition) for output in outputs})
        if places:
            self._ask("add", lambda: self._transactions.add(self._name, self._epoch, places))
        for output in outputs:
            for start in range(0, len(output), CHUNK):
                self._produce(output, slice(start, start + CHUNK))

    def _produce(self, output: Output, rows: slice) -> None:
        keys, values = output.keys[rows], output.values[rows]
        headers = output.headers[rows] if output.headers is not None else [()] * len(keys)
        records = list(zip(keys, values, headers, strict=True))
        place = output.topic, output.partition
        sequence = self._sequences.get(place, 0)
        try:
            self._ask(
                "produce",
                lambda: self._transactions.produce(self._name, self._epoch, place, sequence, records),
            )
            self._sequences[place] = sequence + len(records)
        except Refused as refused:
            self._failures.append(refused)

    def _flush(self) -> None:
        if self._failures:
            raise self._failures[0]

    def _send_offsets(self, next_offsets: Mapping[Partition, int], membership: Membership) -> None:
        assert isinstance(membership, Seat)
        identity = membership.identity()
        offsets, wire = dict(next_offsets), identity.wire
        self._ask(
            "offsets",
            lambda: self._transactions.take_offsets(
                self._name, self._epoch, identity.group_id, wire, offsets
            ),
        )

    def _offsets_under_way(
        self, next_offsets: Mapping[Partition, int], membership: Membership
    ) -> Callable[[], None]:
        """Send the offsets now, as one client does, or later, as the other; what fails is told later."""
        if self._client.clock.random.random() < 0.5:
            return super()._offsets_under_way(next_offsets, membership)
        try:
            self._send_offsets(next_offsets, membership)
        except Refused as refused:
            self._failures.append(refused)
        return lambda: None

    def _end(self) -> None:
        self._ask("end", lambda: self._transactions.end(self._name, self._epoch, True))

    def _abandon(self) -> None:
        with suppress(Refused, Killed):
            abort = lambda: self._transactions.end(self._name, self._epoch, False)  # noqa: E731
            self._client.ask("abort", abort, TIMEOUT_S / 2)

    def _ask(self, point, request):
        return self._client.ask(point, request, COMMIT_TIMEOUT_S)

    def _disconnected(self) -> bool:
        return self._client.disconnections > self._disconnections

    def _named(self, error: BaseException) -> tuple[str, str]:
        return (error.name, error.detail) if isinstance(error, Refused) else ("", "")

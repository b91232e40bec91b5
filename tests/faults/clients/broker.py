"""A broker by a script: enough of Kafka for a transactional producer and a member that joins.

It keeps what a real one keeps - what is committed, what a transaction has open, which offsets a group
has - and does with each request what the script says: answer as usual, answer with an error and do
nothing, or hold the reply. Node 0 leads the partitions, node 1 coordinates, so that one of them can be
silent while the other speaks.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from kafka.protocol import consumer, metadata, producer
from kafka.record import MemoryRecords

from tests.faults.clients.wire import HOST, Api, Node

Step = int | threading.Event | None
"""An error code; what has to be set before the answer; or as usual."""

Partition = tuple[str, int]

LEADER_NOT_AVAILABLE, COORDINATOR_LOAD_IN_PROGRESS, NOT_ENOUGH_REPLICAS = 5, 14, 19
ILLEGAL_GENERATION, OUT_OF_ORDER_SEQUENCE, CONCURRENT_TRANSACTIONS = 22, 45, 51
PRODUCER_FENCED = 90
NO_BROKERS = -100
"""To Metadata: as a broker answers that is just starting, and does not know itself yet."""

_KINDS = [
    (metadata, "ApiVersions", 0, 4),
    (metadata, "Metadata", 0, 8),
    (metadata, "FindCoordinator", 0, 2),
    (consumer, "JoinGroup", 0, 5),
    (consumer, "LeaveGroup", 0, 2),
    (consumer, "Fetch", 0, 11),
    (producer, "Produce", 3, 9),
    (producer, "InitProducerId", 0, 4),
    (producer, "AddPartitionsToTxn", 0, 3),
    (producer, "AddOffsetsToTxn", 0, 3),
    (producer, "TxnOffsetCommit", 0, 3),
    (producer, "EndTxn", 0, 3),
]
APIS = {
    api.request.API_KEY: api
    for api in (
        Api(getattr(module, f"{name}Request"), getattr(module, f"{name}Response"), lowest, highest)
        for module, name, lowest, highest in _KINDS
    )
}


class ScriptedBroker:
    """Two nodes of one partition each topic.

    Attributes
    ----------
    script
        The steps of each kind of request by its name; as usual where they have run out.
    seen
        How often each kind of request came.
    committed, group_offsets
        What a read_committed consumer would find.
    open
        The records of the transaction that is open; None where none is.
    """

    def __init__(self, topics: Iterable[str] = ("out",)) -> None:
        self.script: dict[str, Iterator[Step]] = {}
        self.seen: Counter[str] = Counter()
        self.requests: list[Any] = []
        self.committed: dict[str, list[Any]] = defaultdict(list)
        self.group_offsets: dict[Partition, int] = {}
        self.open: dict[str, list[Any]] | None = None
        self._open_offsets: dict[Partition, int] = {}
        self._epoch = -1
        self._topics = list(topics)
        self._lock = threading.Lock()
        self._nodes = [Node(APIS, self._answer), Node(APIS, self._answer)]

    @property
    def address(self) -> str:
        return f"{HOST}:{self._nodes[0].port}"

    def values(self, topic: str = "out") -> list[bytes | None]:
        """Return the committed values of a topic."""
        return [record.value for record in self.committed[topic]]

    def close(self) -> None:
        """Close both nodes."""
        for node in self._nodes:
            node.close()

    def __enter__(self) -> ScriptedBroker:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def _answer(self, api: Api, request: Any) -> Any:
        step = next(self.script.get(api.name, iter(())), None)
        with self._lock:
            self.seen[api.name] += 1
            self.requests.append(request)
        if isinstance(step, threading.Event):
            step.wait()
        error = step if isinstance(step, int) else 0
        with self._lock:
            return getattr(self, f"_{api.name}")(api.response, request, error)

    # One method a kind of request, named as the protocol names it.

    def _ApiVersions(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        kinds = [
            response.ApiVersion(api_key=key, min_version=api.min_version, max_version=api.max_version)
            for key, api in APIS.items()
        ]
        return response(error_code=error, api_keys=kinds)

    def _Metadata(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        topic = response.MetadataResponseTopic
        partition = topic.MetadataResponsePartition(
            error_code=LEADER_NOT_AVAILABLE if error == NO_BROKERS else error,
            partition_index=0,
            leader_id=-1 if error else 0,
            leader_epoch=0,
            replica_nodes=[0],
            isr_nodes=[0],
        )
        nodes = [] if error == NO_BROKERS else list(enumerate(self._nodes))
        return response(
            brokers=[
                response.MetadataResponseBroker(node_id=number, host=HOST, port=node.port)
                for number, node in nodes
            ],
            cluster_id="scripted",
            controller_id=0 if nodes else -1,
            topics=[
                topic(error_code=0, name=name, is_internal=False, partitions=[partition])
                for name in self._topics
            ],
        )

    def _FindCoordinator(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        return response(error_code=error, node_id=1, host=HOST, port=self._nodes[1].port)

    def _JoinGroup(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        return response(error_code=error, generation_id=-1, protocol_name="", leader="", member_id="m")

    def _LeaveGroup(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        return response(error_code=error)

    def _Fetch(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        return response(error_code=error)

    def _InitProducerId(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        """As a real one does: whatever the producer had open is aborted."""
        if not error:
            self._end(commit=False)
            self._epoch += 1
        return response(error_code=error, producer_id=7, producer_epoch=self._epoch)

    def _AddPartitionsToTxn(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        if not error:
            self.open = self.open if self.open is not None else {}
        topic = response.AddPartitionsToTxnTopicResult
        result = topic.AddPartitionsToTxnPartitionResult
        return response(
            results_by_topic_v3_and_below=[
                topic(
                    name=added.name,
                    results_by_partition=[
                        result(partition_index=number, partition_error_code=error)
                        for number in added.partitions
                    ],
                )
                for added in request.v3_and_below_topics
            ]
        )

    def _Produce(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        topic = response.TopicProduceResponse
        answers = []
        for sent in request.topic_data:
            if not error:
                self._append(sent.name, [part.records for part in sent.partition_data])
            results = [
                topic.PartitionProduceResponse(
                    index=part.index, error_code=error, base_offset=0, log_append_time_ms=-1
                )
                for part in sent.partition_data
            ]
            answers.append(topic(name=sent.name, partition_responses=results))
        return response(responses=answers)

    def _append(self, topic: str, parts: list[Any]) -> None:
        assert self.open is not None, "records outside of a transaction"
        for part in parts:
            batches = MemoryRecords(bytes(part))
            while (batch := batches.next_batch()) is not None:
                self.open.setdefault(topic, []).extend(batch)

    def _AddOffsetsToTxn(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        if not error:
            self.open = self.open if self.open is not None else {}
        return response(error_code=error)

    def _TxnOffsetCommit(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        topic = response.TxnOffsetCommitResponseTopic
        answers = []
        for sent in request.topics:
            if not error:
                self._open_offsets |= {
                    (sent.name, part.partition_index): part.committed_offset for part in sent.partitions
                }
            results = [
                topic.TxnOffsetCommitResponsePartition(partition_index=part.partition_index, error_code=error)
                for part in sent.partitions
            ]
            answers.append(topic(name=sent.name, partitions=results))
        return response(topics=answers)

    def _EndTxn(self, response: Any, request: Any, error: int) -> Any:  # noqa: N802
        if not error:
            self._end(commit=request.committed)
        return response(error_code=error)

    def _end(self, commit: bool) -> None:
        if commit:
            for topic, records in (self.open or {}).items():
                self.committed[topic] += records
            self.group_offsets |= self._open_offsets
        self.open, self._open_offsets = None, {}

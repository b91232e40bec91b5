"""A model of its own on a broker, its learners in this process, and an administrator who is careless."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any

from kafka import KafkaAdminClient, TopicPartition

from service.engine import Engine
from service.errors import PerceptronError
from service.observer import Commit
from service.settings import Settings
from service.streams.port import Output, Stream, TopicSpec
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.contracts.rig import wait_until
from tests.corpus import Case, settings
from tests.faults.checks import collect, examine
from tests.faults.oracle import Oracle
from tests.on_commit import OnCommit

Table = list[dict[str, object]]

CLIENTS = ("confluent", "kafka-python")
MAX_BATCH = 20
WITHIN_S = 60.0


class Site:
    """A model with its topics, and what can be done to it."""

    def __init__(self, bootstrap: str, client: str, stream: Stream, chosen: Settings) -> None:
        self.bootstrap = bootstrap
        self.url = f"kafka://{bootstrap}"
        self.client = client
        self.stream = stream
        self.chosen = chosen

    def sections(self, **engine: Any) -> dict[str, Any]:
        """Return the settings of one of its learners."""
        return {"model": {"name": self.chosen.model.name}, "engine": {"max_batch": MAX_BATCH, **engine}}

    def provide(self, records: Sequence[Case]) -> None:
        """Put records into the samples topic, as a producer of its own."""
        columns = ([getattr(case, name) for case in records] for name in ("key", "value", "headers"))
        with self.opened() as stream:
            stream.append([Output(self.chosen.topics.samples, 0, *columns)])

    def opened(self) -> Stream:
        """Open one more stream, as another process would."""
        return open_stream(self.url, client=self.client, session_timeout_ms=1500)

    def learn(self, reset_from: str | None = None, **engine: Any) -> None:
        """Learn until the end in this process."""
        with self.opened() as stream:
            chosen = settings(**self.sections(**engine))
            Engine(stream, chosen, reset_from=reset_from).run(until_end=True)

    @contextmanager
    def learning(self) -> Iterator[Running]:
        """Learn in a thread, for ever."""
        running = Running(self)
        running.thread.start()
        try:
            yield running
        finally:
            running.engine.stop()
            running.thread.join(WITHIN_S)

    def make_anew(self, topic: str) -> None:
        """Delete a topic and make it again as it was."""
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.delete_topics([topic])
        wait_until(lambda: topic not in admin.list_topics())
        admin.close()
        self.stream.create_topics([spec for spec in topic_specs(self.chosen) if spec.name == topic])

    def cut(self, first: int) -> None:
        """Delete the samples below an offset, as retention would."""
        place = (self.chosen.topics.samples, 0)
        admin = KafkaAdminClient(bootstrap_servers=self.bootstrap)
        admin.delete_records({TopicPartition(*place): first})
        admin.close()
        wait_until(lambda: self.stream.first_offset(place) == first)

    def is_learned(self, count: int) -> bool:
        """Whether so many records are behind the group's position."""
        offsets = self.stream.group_offsets(self.chosen.group, self.chosen.topics.samples)
        return offsets.get(0, 0) >= count

    def differences(self, records: Sequence[Case], compacted: bool = False) -> list[str]:
        """Return what is not as a run that never stopped leaves it."""
        found = examine(collect(self.stream, self.chosen, compacted), Oracle(records, self.chosen))
        return [f"{name}: {text}" for name, texts in found.items() for text in texts]

    def differs_in_state(self, records: Sequence[Case]) -> list[str]:
        """Return whether the model is not that of these records, wherever they stand in a topic."""
        found, expected = collect(self.stream, self.chosen).state, Oracle(records, self.chosen).states[-1]
        return [] if found == expected else [f"the model is {found}; {expected} was expected"]


class Running:
    """A learner in a thread, and how it ended."""

    def __init__(self, site: Site) -> None:
        self._stream = site.opened()
        self.commits: list[Commit] = []
        self.failure: PerceptronError | None = None
        self.engine = Engine(
            self._stream, settings(**site.sections()), observer=OnCommit(self.commits.append)
        )
        self.thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            with self._stream:
                self.engine.run()
        except PerceptronError as failure:
            self.failure = failure

    def position(self) -> int:
        """Return how far its last commit has read."""
        if not self.commits:
            return 0
        return max(offset for by in self.commits[-1].head.next_offsets.values() for offset in by.values())

    def wait_until_at(self, count: int) -> None:
        """Wait until it has committed so many records; what ends it before is an error."""
        wait_until(lambda: self.failure or self.position() >= count, WITHIN_S)
        assert self.failure is None, self.failure


@contextmanager
def site(
    bootstrap: str,
    client: str,
    configs: Mapping[str, Mapping[str, str]] = MappingProxyType({}),
) -> Iterator[Site]:
    """Yield a model of its own with its topics made; some with settings of their own."""
    chosen = settings(model={"name": f"site-{uuid.uuid4().hex[:8]}"}, engine={"max_batch": MAX_BATCH})
    with open_stream(f"kafka://{bootstrap}", client=client, session_timeout_ms=1500) as stream:
        own = [TopicSpec(getattr(chosen.topics, name), 1, config) for name, config in configs.items()]
        stream.create_topics(own)
        stream.create_topics(topic_specs(chosen))
        yield Site(bootstrap, client, stream, chosen)


def refusal(attempt: Callable[[], object], reason: str) -> list[str]:
    """Return whether an attempt was not refused with this reason."""
    try:
        attempt()
    except PerceptronError as error:
        return [] if re.search(reason, str(error)) else [f"refused with: {error}"]
    return [f"not refused; {reason!r} was expected"]


def tally(
    rows: dict[tuple[str, str], dict[str, object]], kind: str, client: str, count: int, found: list[str]
) -> None:
    """Count faults of a kind, and whether they left something wrong."""
    row = rows.setdefault((kind, client), {"kind": kind, "client": client, "count": 0, "divergences": 0})
    row["count"] = int(str(row["count"])) + count
    row["divergences"] = int(str(row["divergences"])) + bool(found)

"""The same records leave the same bytes and the same model on every stream, in batches of every size."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

import pytest

from service.engine import Engine
from service.streams.select import open_stream
from tests.corpus import cases, settings
from tests.faults.checks import assert_exact
from tests.faults.oracle import Oracle
from tests.faults.processes import provide

WHOLE = 20_000
# In batches of 1 and 7 the whole corpus takes minutes: PERCEPTRON_WHOLE_CORPUS=1 takes them.
SHORT = WHOLE if os.environ.get("PERCEPTRON_WHOLE_CORPUS") else 1_500

kafka = pytest.mark.kafka


@pytest.mark.parametrize("max_batch", [1, 7, 500, 5000])
@pytest.mark.parametrize(
    "client", ["sqlite", pytest.param("kafka-python", marks=kafka), pytest.param("confluent", marks=kafka)]
)
def test_every_stream_and_every_batch_size_leaves_the_same_bytes(
    request: pytest.FixtureRequest, tmp_path: Path, client: str, max_batch: int
) -> None:
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    is_kafka = client != "sqlite"
    url = (
        f"kafka://{request.getfixturevalue('kafka_bootstrap')}" if is_kafka else f"sqlite:{tmp_path / 'a.db'}"
    )
    records = cases(SHORT if max_batch < 500 else WHOLE)
    name = f"agree-{uuid.uuid4().hex[:8]}"
    chosen = settings(model={"name": name}, engine={"max_batch": max_batch})
    with open_stream(url, client=client if is_kafka else "auto") as stream:
        provide(stream, chosen, records)
        Engine(stream, chosen).run(until_end=True)
        assert_exact(stream, Oracle(records, chosen))

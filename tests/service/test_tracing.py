"""Traces: a sample's trace goes on in its prediction, and each batch is a span where that is asked for."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from service.codec import MAX_TRACE_BYTES
from service.engine import Engine
from service.learner import Learner
from service.observer import Commit, Observers
from service.settings import Settings
from service.streams.port import Batch, Header, Output, Stream
from service.streams.select import open_stream
from service.topics import topic_specs
from service.tracing import MAX_LINKS, Tracing
from tests.contracts.rig import read_to_end
from tests.corpus import settings
from tests.on_commit import OnCommit
from tests.service.command_line import ROOT

GOOD, BROKEN = b'{"features": {"x": 1.5}, "label": 1}', b"{"
STATE = ("tracestate", b"vendor=1")


def parent(number: int) -> tuple[str, bytes]:
    return "traceparent", b"00-%032x-%016x-01" % (number + 1, number + 1)


def own(number: int) -> list[Header]:
    """Return what a record's producer sent with it: nothing, a trace, or other things."""
    headers = [
        [],
        [parent(number)],
        [("other", b"x"), parent(number), STATE, ("null", None)],
        [("other", b"y")],
    ]
    return headers[number % 4]


def carried(headers: list[Header]) -> list[Header]:
    return [header for header in headers if header[0] in ("traceparent", "tracestate")]


def provide(stream: Stream, chosen: Settings, values: list[bytes], headers: list[list[Header]]) -> None:
    stream.create_topics(topic_specs(chosen))
    keys: list[bytes | None] = [None] * len(values)
    stream.append([Output(chosen.topics.samples, 0, keys, values, headers)])


def read(stream: Stream, topic: str) -> list[Any]:
    with stream.reader() as reader:
        reader.seek({(topic, 0): 0})
        return [(value, list(headers)) for _, _, value, headers in read_to_end(stream, reader, (topic, 0))]


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    with open_stream(f"sqlite:{tmp_path / 'stream.db'}") as opened:
        yield opened


# A sample's trace goes on in its prediction


@pytest.mark.parametrize("max_batch", [1, 3, 100])
@pytest.mark.parametrize(
    "client",
    [
        "sqlite",
        pytest.param("kafka-python", marks=pytest.mark.kafka),
        pytest.param("confluent", marks=pytest.mark.kafka),
    ],
)
def test_a_prediction_carries_its_samples_trace_on_every_stream(
    request: pytest.FixtureRequest, tmp_path: Path, client: str, max_batch: int
) -> None:
    if client == "sqlite":
        url = f"sqlite:{tmp_path / 'stream.db'}"
    else:
        url = f"kafka://{request.getfixturevalue('kafka_bootstrap')}"
    chosen = settings(model={"name": f"traced-{uuid.uuid4().hex[:8]}"}, engine={"max_batch": max_batch})
    values = [BROKEN if number % 5 == 0 else GOOD for number in range(40)]
    headers = [own(number) for number in range(40)]
    with open_stream(url, client="auto" if client == "sqlite" else client) as stream:
        provide(stream, chosen, values, headers)
        Engine(stream, chosen).run(until_end=True)
        predictions, letters = (
            read(stream, topic) for topic in (chosen.topics.predictions, chosen.topics.dlq)
        )
    good = [headers[number] for number in range(40) if number % 5]
    assert [found for _, found in predictions] == [carried(given) for given in good]
    versions = [json.loads(value)["version"] for value, _ in predictions]
    assert versions == list(range(len(good)))
    broken = [headers[number] for number in range(0, 40, 5)]
    assert [found[: len(given)] for (_, found), given in zip(letters, broken, strict=True)] == broken


def outputs(headers: list[list[Header]], values: list[bytes] | None = None) -> list[Output]:
    chosen = settings()
    learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
    rows = len(headers)
    batch = Batch("samples", 0, list(range(rows)), [None] * rows, values or [GOOD] * rows, headers)
    return learner.process(batch)


def test_values_are_the_same_with_and_without_traces() -> None:
    [plain] = outputs([[], [], []])
    [traced] = outputs([[], [parent(1), STATE], []])
    assert plain.headers is None
    assert traced.headers == [(), (parent(1), STATE), ()]
    assert (traced.keys, traced.values) == (plain.keys, plain.values)


def test_other_headers_alone_leave_predictions_without_any() -> None:
    [found] = outputs([[("other", b"x")], []])
    assert found.headers is None


def test_what_is_no_trace_is_left_behind() -> None:
    long, null = ("tracestate", b"x" * (MAX_TRACE_BYTES + 1)), ("traceparent", None)
    [found] = outputs([[null, long, parent(1), parent(2)], [("Traceparent", b"x"), STATE]])
    assert found.headers == [(parent(1),), (STATE,)]


def test_a_refused_sample_takes_its_trace_to_the_dead_letters() -> None:
    predictions, letters = outputs([[parent(0)], [parent(1)], [parent(2)]], [GOOD, BROKEN, GOOD])
    assert predictions.headers == [(parent(0),), (parent(2),)]
    assert letters.headers is not None
    assert letters.headers[0][0] == parent(1)


# Spans


def spans_of(stream: Stream, headers: list[list[Header]]) -> tuple[list[Any], list[Commit]]:
    """Let an engine learn, and return the spans with the commits they are of."""
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter")
    from opentelemetry.sdk.trace import TracerProvider

    exporter, provider = memory.InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(exporter))
    chosen, commits = settings(engine={"max_batch": 50}), []
    provide(stream, chosen, [GOOD] * len(headers), headers)
    with Tracing(provider, "corpus") as tracing:
        Engine(stream, chosen, observer=Observers(OnCommit(commits.append), tracing)).run(until_end=True)
    return list(exporter.get_finished_spans()), commits


def test_each_batch_is_a_span_with_its_commit_within(stream: Stream) -> None:
    before = time.time_ns()
    spans, commits = spans_of(stream, [[]] * 120)
    batches = [span for span in spans if span.name == "perceptron.batch"]
    ends = [span for span in spans if span.name == "perceptron.commit"]
    assert len(batches) == len(ends) == len(commits) == 3
    assert len(spans) == 6
    for batch, end, commit in zip(batches, ends, commits, strict=True):
        assert end.parent.span_id == batch.context.span_id
        assert batch.parent is None
        assert dict(batch.attributes) == {
            "perceptron.model": "corpus",
            "perceptron.records": commit.records,
            "perceptron.version": commit.head.version,
            "perceptron.sequence": commit.head.sequence,
            "perceptron.lag": commit.lag,
        }
        assert before <= batch.start_time <= end.start_time <= end.end_time == batch.end_time
        assert end.end_time <= time.time_ns()
        assert batch.end_time - batch.start_time == pytest.approx(commit.seconds * 1e9, abs=2)
        assert not batch.links


def test_a_batch_is_linked_to_the_traces_of_its_samples(stream: Stream) -> None:
    zeros = b"00-" + b"0" * 32 + b"-0000000000000001-01"
    odd: list[Header] = [("traceparent", text) for text in (b"00-nonsense", zeros, b"ff" + parent(7)[1][2:])]
    given = [[], *([header] for header in odd), *([parent(number), STATE] for number in range(45)), []]
    spans, _ = spans_of(stream, given)
    [batch] = [span for span in spans if span.name == "perceptron.batch"]
    assert [link.context.trace_id for link in batch.links] == list(range(1, MAX_LINKS + 1))
    assert {link.context.trace_flags for link in batch.links} == {1}


@pytest.mark.parametrize(
    ("variables", "is_on"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:1"}, True),
        ({"OTEL_TRACES_EXPORTER": "console"}, True),
        ({"OTEL_TRACES_EXPORTER": "none", "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, False),
        ({"OTEL_SDK_DISABLED": "true", "OTEL_TRACES_EXPORTER": "otlp"}, False),
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, False),
    ],
)
def test_the_environment_turns_it_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, variables: dict[str, str], is_on: bool
) -> None:
    pytest.importorskip("opentelemetry.sdk")
    for name in [name for name in os.environ if name.startswith("OTEL_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    tracing = Tracing.from_environment("corpus")
    assert (tracing is not None) is is_on
    if tracing is not None:
        tracing.close()
    is_unknown = variables.get("OTEL_TRACES_EXPORTER") == "zipkin"
    assert ("'zipkin'" in caplog.text) is is_unknown


def test_a_collector_that_is_away_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.sdk")
    ended = threading.Event()
    monkeypatch.setattr("service.tracing.END_S", 0.01)
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "console")
    tracing = Tracing.from_environment("corpus")
    assert tracing is not None
    monkeypatch.setattr(tracing._provider, "shutdown", ended.wait)
    tracing.close()
    assert not ended.is_set()
    ended.set()


def test_without_the_package_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    for name in ("opentelemetry.sdk.trace.export", "opentelemetry.exporter.otlp.proto.http.trace_exporter"):
        monkeypatch.setitem(sys.modules, name, None)
    assert Tracing.from_environment("corpus") is None
    assert "perceptron-stream[otel]" in caplog.text


def test_nothing_of_it_is_loaded_where_nobody_asks() -> None:
    asked = (
        "import sys; from service.tracing import Tracing; assert Tracing.from_environment('m') is None; "
        "assert not [name for name in sys.modules if name.startswith('opentelemetry')]"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    subprocess.run([sys.executable, "-c", asked], cwd=ROOT, env=environment, check=True, timeout=60)


def test_spans_arrive_where_the_environment_says(stream: Stream, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    bodies: list[tuple[str, bytes]] = []

    class Collector(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_COMPRESSION", "none")
        chosen = settings()
        provide(stream, chosen, [GOOD] * 3, [[]] * 3)
        tracing = Tracing.from_environment("corpus")
        assert tracing is not None
        with tracing:
            Engine(stream, chosen, observer=tracing).run(until_end=True)
        server.shutdown()
    [(path, body)] = bodies
    assert path == "/v1/traces"
    [sent] = messages.ExportTraceServiceRequest.FromString(body).resource_spans
    service = [pair.value.string_value for pair in sent.resource.attributes if pair.key == "service.name"]
    assert service == ["perceptron"]
    assert [span.name for span in sent.scope_spans[0].spans] == ["perceptron.commit", "perceptron.batch"]

"""A span for each batch, by OpenTelemetry, where the extra ``otel`` is installed and the environment asks.

The variables are OpenTelemetry's own: ``OTEL_EXPORTER_OTLP_ENDPOINT`` or ``OTEL_TRACES_EXPORTER`` turn it on.
A batch's span is linked to the traces of up to 32 of its samples, by their ``traceparent`` headers, which
their predictions carry on.

Do: describe commits that are done. Do not: hold up the engine; spans are sent by a thread of their own.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Self

from service.observer import Commit, Observer
from service.streams.port import Closing, Output

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Link

log = logging.getLogger("perceptron")

MAX_LINKS = 32
END_S = 2.0
_TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
CHOICE = "OTEL_TRACES_EXPORTER"


class Tracing(Observer, Closing):
    """Turns each commit into the spans ``perceptron.batch`` and, within it, ``perceptron.commit``.

    Parameters
    ----------
    provider
        Where the spans go.
    model
        The model's name.
    """

    def __init__(self, provider: TracerProvider, model: str) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("perceptron")
        self._model = model

    @classmethod
    def from_environment(cls, model: str) -> Self | None:
        """Return what the environment asks for, None where it asks for nothing."""
        if (chosen := _chosen()) == "none":
            return None
        try:
            return cls(_provider(_exporter(chosen)), model)
        except ImportError:
            log.warning("no spans: OpenTelemetry is not installed (pip install 'perceptron-stream[otel]')")
        except ValueError as error:
            log.warning("no spans: %s", error)
        return None

    def on_commit(self, commit: Commit) -> None:
        """Describe a commit, from its poll to its end."""
        from opentelemetry.trace import SpanKind, set_span_in_context

        end = time.time_ns()
        attributes: dict[str, str | int] = {
            "perceptron.model": self._model,
            "perceptron.records": commit.records,
            "perceptron.version": commit.head.version,
            "perceptron.sequence": commit.head.sequence,
            "perceptron.lag": commit.lag,
        }
        batch = self._tracer.start_span(
            "perceptron.batch",
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            links=list(islice(_links(commit.traced), MAX_LINKS)),
            start_time=end - round(commit.seconds * 1e9),
        )
        begun = end - round(commit.commit_seconds * 1e9)
        within = set_span_in_context(batch)
        self._tracer.start_span("perceptron.commit", within, start_time=begun).end(end)
        batch.end(end)

    def close(self) -> None:
        """Send what is left, unless that takes long: a collector that is away is tried for half a minute."""
        ending = threading.Thread(target=self._provider.shutdown, name="tracing-end", daemon=True)
        ending.start()
        ending.join(END_S)


def _chosen() -> str:
    """Return the exporter that the environment asks for."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return "none"
    by_endpoint = "otlp" if any(os.environ.get(name) for name in ENDPOINTS) else "none"
    return os.environ.get(CHOICE, "").strip() or by_endpoint


def _exporter(name: str) -> SpanExporter:
    """Return an exporter.

    Raises
    ------
    ValueError
        There is none of that name.
    """
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter()
    if name == "otlp":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        return OTLPSpanExporter()
    raise ValueError(f'{CHOICE} is {name!r}; "otlp", "console" or "none" was expected')


def _provider(exporter: SpanExporter) -> TracerProvider:
    """Return a provider of our own: the global one belongs to whoever embeds us."""
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = Resource.create()
    ours = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": "perceptron"}
    provider = TracerProvider(resource=named.merge(Resource(ours)), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def _links(traced: Iterable[Output]) -> Iterator[Link]:
    """Yield a link to the trace of each sample that belongs to one.

    By hand: OpenTelemetry's own way takes five times as long, and the engine waits.
    """
    from opentelemetry.trace import Link, SpanContext, TraceFlags

    for headers in (headers for output in traced for headers in output.headers or ()):
        if parts := _TRACEPARENT.fullmatch(dict(headers).get("traceparent") or b""):
            trace, span, flags = (int(part, 16) for part in parts.groups())
            context = SpanContext(trace, span, is_remote=True, trace_flags=TraceFlags(flags))
            if context.is_valid:
                yield Link(context)

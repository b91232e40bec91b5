"""What ``perceptron topics create`` says: the topics of a model as they are."""

from __future__ import annotations

from service.settings import Settings
from service.streams.port import Stream


def topics_text(stream: Stream, settings: Settings) -> str:
    """Return the topics, one a line, with their partitions and their limit on a record."""
    names = list(settings.topics.model_dump().values())
    width = max(map(len, names))
    return "\n".join(f"{name:<{width}}  {_facts(stream, name)}" for name in names)


def _facts(stream: Stream, topic: str) -> str:
    count, limit = stream.partitions(topic), stream.max_record_bytes(topic)
    shown = f"{count} partition{'s' * (count != 1)}"
    return f"{shown}, max.message.bytes {limit}" if limit else shown

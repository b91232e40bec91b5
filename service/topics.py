"""The four topics of a model: how they are made, and what has to be true of them at start."""

from __future__ import annotations

from service.errors import ConfigurationError
from service.settings import Settings
from service.streams.port import Stream, TopicSpec

HEADROOM_BYTES = 64 * 1024
"""What a dead letter's headers, and a prediction's text, may add to the record they answer."""

LEAST_BYTES = 1_048_588
"""Kafka's own default of max.message.bytes, which limits batches: producers fill them up to near this."""


def topic_specs(settings: Settings, partitions: int = 1) -> list[TopicSpec]:
    """Return the topics of a model: answers as wide as the samples, and roomier; the model log compacted.

    Far roomier: the limit on samples is on what their producer compressed, dead letters are not compressed.
    """
    sample_bytes = max(LEAST_BYTES, settings.engine.max_record_bytes + HEADROOM_BYTES)
    roomier = {"max.message.bytes": str(min(10 * sample_bytes, 2**31 - 1))}
    topics = settings.topics
    return [
        TopicSpec(topics.samples, partitions, {"max.message.bytes": str(sample_bytes)}),
        TopicSpec(topics.predictions, partitions, roomier),
        TopicSpec(topics.dlq, partitions, roomier),
        TopicSpec(topics.model, 1, {"cleanup.policy": "compact", **roomier}),
    ]


def check_topics(stream: Stream, settings: Settings) -> tuple[dict[str, int], dict[str, int]]:
    """Check all four topics, or make them on SQLite; return partitions and limits of the answers' topics.

    A limit is the size of the largest record that this client can write to a topic, where there is one.

    Raises
    ------
    TopicMissing
        One of them does not exist.
    ConfigurationError
        The model topic has more than one shard, or the largest legal sample could not be refused.
    """
    topics = settings.topics
    if stream.makes_topics:
        stream.create_topics(topic_specs(settings))
    stream.partitions(topics.samples)
    if (shards := stream.partitions(topics.model)) != 1:
        raise ConfigurationError(
            f"model topic {topics.model!r} has {shards} partitions; one shard, so one partition, is supported"
        )
    limits = _answer_limits(stream, settings)
    _check_limits(stream, settings, limits)
    return {topic: stream.partitions(topic) for topic in (topics.predictions, topics.dlq)}, limits


def _check_limits(stream: Stream, settings: Settings, limits: dict[str, int]) -> None:
    """Raise where a batch of ours, or the answer to the largest legal sample, would be too large to write."""
    samples = settings.topics.samples
    sample_bytes = stream.max_record_bytes(samples)
    if sample_bytes is None:
        return
    needed = max(LEAST_BYTES, sample_bytes + HEADROOM_BYTES)
    for topic, limit in limits.items():
        if limit < needed:
            raise ConfigurationError(
                f"topic {topic!r}: at most {limit} bytes can be written at once (its max.message.bytes is "
                f"{stream.max_record_bytes(topic)}, the client's limit {stream.max_write_bytes}); at least "
                f"{needed} are needed to answer the largest record that {samples!r} takes ({sample_bytes}): "
                "raise the one that is too low, or lower max.message.bytes of the samples"
            )


def _answer_limits(stream: Stream, settings: Settings) -> dict[str, int]:
    limits = {}
    for topic in (settings.topics.dlq, settings.topics.predictions):
        known = [limit for limit in (stream.max_record_bytes(topic), stream.max_write_bytes) if limit]
        if known:
            limits[topic] = min(known)
    return limits

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
    roomier = {"max.message.bytes": str(10 * sample_bytes)}
    topics = settings.topics
    return [
        TopicSpec(topics.samples, partitions, {"max.message.bytes": str(sample_bytes)}),
        TopicSpec(topics.predictions, partitions, roomier),
        TopicSpec(topics.dlq, partitions, roomier),
        TopicSpec(topics.model, 1, {"cleanup.policy": "compact", **roomier}),
    ]


def check_topics(stream: Stream, settings: Settings) -> dict[str, int]:
    """Return the partitions of the answers' topics after checking all four, or making them on SQLite.

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
    sample_bytes = stream.max_record_bytes(topics.samples)
    for topic in (topics.dlq, topics.predictions):
        limit = stream.max_record_bytes(topic)
        if sample_bytes and limit and limit < sample_bytes + HEADROOM_BYTES:
            raise ConfigurationError(
                f"topic {topic!r}: max.message.bytes is {limit}; at least {sample_bytes + HEADROOM_BYTES} "
                f"is needed to answer the largest record that {topics.samples!r} takes ({sample_bytes})"
            )
    return {topic: stream.partitions(topic) for topic in (topics.predictions, topics.dlq)}

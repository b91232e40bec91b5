"""``perceptron demo``: the whole job on a real data set, and the same job done by river."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from service.commands.consume import committed
from service.commands.datasets import DataSet, load_dataset
from service.commands.demo_report import Plan, Report
from service.commands.given import Given, open_to_make
from service.commands.lines import Source
from service.commands.produce import produce
from service.commands.progress import Progress, Watch
from service.commands.river_peer import river_peer
from service.commands.terminal import Interruption, say, warn_if_interpreted
from service.engine import Engine
from service.errors import ConfigurationError
from service.settings import Settings, TopicSettings
from service.streams.port import Stream
from service.topics import topic_specs

URL = "sqlite:perceptron-demo.db"
MAX_BATCH = 50  # small commits, so that there is something to see


def plan(dataset: str, given: Given) -> Plan:
    """Return where a demo happens: the settings as they are, under a name and topics of its own.

    Raises
    ------
    ConfigurationError
        The data set is unknown or of another task, or a setting is wrong.
    """
    before = given.settings(dataset)
    if before.model.pipeline:
        raise ConfigurationError(
            "the demo shows the neuron beside river, not model.pipeline; to see how well a pipeline does: "
            f"perceptron evaluate --dataset {dataset} --set model.pipeline={before.model.pipeline}"
        )
    now = datetime.now(UTC)
    name = f"{dataset}-demo-{now:%Y%m%dT%H%M%S}.{now.microsecond // 1000:03}Z"
    sets = [*given.sets, f"model.name={name}"]
    if before.model.task != "binary":  # the default
        sets.append(f"model.task={before.model.task}")
    sets += [f"topics.{part}={name}.{part}" for part in _named_topics(before)]
    url = given.url or (before.stream.url if "url" in before.stream.model_fields_set else URL)
    named = Given(given.config, sets, url)
    small = Given(given.config, [f"engine.max_batch={MAX_BATCH}", *sets], url)
    return Plan(dataset, named, small.settings(dataset))


def _named_topics(settings: Settings) -> list[str]:
    """Return which topics have names that do not follow from the model's."""
    return [
        part
        for part in TopicSettings.model_fields
        if getattr(settings.topics, part) != f"{settings.model.name}.{part}"
    ]


def demo(plan: Plan, interruption: Interruption) -> Report | None:
    """Make the topics, produce, learn, publish, compare; None when interrupted."""
    settings = plan.settings
    warn_if_interpreted()
    dataset = load_dataset(plan.dataset)
    with open_to_make(settings) as stream:
        say(f"{settings.model.name} on {settings.stream.url} by {stream.client}")
        stream.create_topics(topic_specs(settings))
        produce(stream, settings, Source(None, plan.dataset, settings.fields), None, interruption.wish)
        say(f"produced {len(dataset.samples):,} samples, learning in commits of {settings.engine.max_batch}")
        watch = _learn(stream, settings, interruption)
        if interruption.wish.is_set() or watch.last is None:
            return None
        say(watch.summary())
        published = list(_values(stream, settings.topics.predictions))
        dead = sum(1 for _ in _values(stream, settings.topics.dlq))
    with Progress(lambda: "river learns the same, one record at a time"):
        peer = river_peer(dataset, settings.model)
        bare_speed = _bare_speed(dataset, settings)
    through_speed = watch.rate.steady()
    return Report(plan, dataset, watch.last.metrics, through_speed, bare_speed, peer, published, dead)


def _learn(stream: Stream, settings: Settings, interruption: Interruption) -> Watch:
    watch = Watch()
    engine = Engine(stream, settings, observer=watch)
    interruption.then(engine.stop)
    with Progress(watch.line):
        engine.run(until_end=True)
    return watch


def _values(stream: Stream, topic: str) -> Iterator[bytes]:
    for batch in committed(stream, topic):
        yield from (value or b"" for value in batch.values)


def _bare_speed(dataset: DataSet, settings: Settings) -> float:
    """Return our samples a second in the loop that river is timed in: one record at a time, no stream."""
    model = settings.model.new_perceptron()
    started = time.perf_counter()
    for features, label in dataset.samples:
        model.predict_one(features)
        model.learn_one(features, label)
    return len(dataset.samples) / (time.perf_counter() - started)

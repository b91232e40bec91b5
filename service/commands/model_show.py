"""``perceptron model show``: the committed model, read from its topic; nothing is written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from perceptron_core import Perceptron
from service.commands.terminal import kernel_is_compiled
from service.commands.weights_table import weights_table
from service.errors import PerceptronError
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import Head
from service.settings import Settings
from service.streams.port import Stream

SHARD = 0


def read_model(
    stream: Stream,
    settings: Settings,
    on_applied: Callable[[Mapping[bytes, bytes]], None] = lambda records: None,
) -> tuple[Head, Learner]:
    """Return the head of the model's log, and a learner in that state; ``on_applied`` is given its records.

    Raises
    ------
    PerceptronError
        Nothing was committed yet, the topic is missing or damaged, or holds another configuration's model.
    """
    learner = Learner(settings, {})
    topic = settings.topics.model
    stream.partitions(topic)
    log = ModelLog(stream, settings, SHARD, on_applied=on_applied)
    try:
        head = log.catch_up(learner)
    finally:
        log.close()
    if head is None:
        raise PerceptronError(f"no model yet: topic {topic!r} is empty; perceptron run learns one")
    return head, learner


def model_json(head: Head, learner: Learner) -> dict[str, Any]:
    """Return the committed model as plain data."""
    return {
        "model": head.model,
        "shard": SHARD,
        "version": head.version,
        "sequence": head.sequence,
        "hash": head.hash,
        "next_offsets": head.next_offsets,
        "features": head.features if isinstance(learner.model, Perceptron) else None,
        "metrics": learner.metric_values(),
        "bias": learner.model.bias,
    }


def model_tables(head: Head, learner: Learner) -> RenderableType:
    """Return the committed model as a person reads it."""
    if not isinstance(learner.model, Perceptron):
        return _facts(head, learner)
    return Group(_facts(head, learner), Text(), weights_table(learner.model, with_statistics=True))


def _facts(head: Head, learner: Learner) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    config = learner.model.config
    facts = {
        "model": f"{head.model}, shard {SHARD}",
        "version": f"{head.version:,} samples learned",
        "commit": f"{head.sequence:,}",
        "hash": head.hash,
        "next offsets": _offsets(head),
        "predicted": f"{head.predicted:,}",
        "rejected": ", ".join(f"{reason} {count:,}" for reason, count in head.rejected.items()) or "none",
        "metrics": ", ".join(f"{name} {value:.6g}" for name, value in learner.metric_values().items()),
        "options": ", ".join(
            f"{name} {value}" for name, value in config.items() if value not in (None, {}, [])
        ),
    }
    if isinstance(learner.model, Perceptron):
        facts["kernel"] = "compiled" if kernel_is_compiled() else "interpreted: slow"
    for name, value in facts.items():
        table.add_row(name, value)
    return table


def _offsets(head: Head) -> str:
    return ", ".join(
        f"{topic}-{partition}: {offset:,}"
        for topic, by_partition in head.next_offsets.items()
        for partition, offset in sorted(by_partition.items())
    )


def print_model(head: Head, learner: Learner) -> None:
    """Print the committed model to stdout."""
    Console(highlight=False).print(model_tables(head, learner))

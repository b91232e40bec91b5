"""From the options that every command shares to checked settings and an open stream."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.commands.datasets import task_of
from service.errors import ConfigurationError
from service.settings import Settings
from service.settings_sources import load_settings
from service.streams.port import Stream
from service.streams.select import open_stream
from service.topics import topic_specs


@dataclass(frozen=True)
class Given:
    """What a person typed: ``--config``, ``--set`` and ``--stream``."""

    config: Path | None = None
    sets: Sequence[str] = ()
    url: str | None = None

    def settings(self, dataset: str | None = None) -> Settings:
        """Return checked settings; a data set says the task where nothing else does.

        Raises
        ------
        ConfigurationError
            A setting is wrong, or the data set is of another task than the settings.
        """
        overrides = [
            *self.sets,
            *([f"stream.url={json.dumps(self.url, ensure_ascii=False)}"] if self.url else []),
        ]
        settings = load_settings(self.config, overrides)
        if dataset is None or settings.model.task == (task := task_of(dataset)):
            return settings
        if "task" in settings.model.model_fields_set:
            raise ConfigurationError(
                f"model.task is {settings.model.task!r}, --dataset {dataset} is of {task!r}"
            )
        return load_settings(self.config, [*overrides, f"model.task={task}"])


def open_to_read(settings: Settings) -> Stream:
    """Open the stream as it is; nothing is made."""
    return _open(settings, must_exist=True)


def open_to_write(settings: Settings) -> Stream:
    """Open the stream; on SQLite make the model's topics unless they are there, on Kafka nothing."""
    stream = open_to_make(settings)
    if stream.makes_topics:
        stream.create_topics(topic_specs(settings))
    return stream


def open_to_make(settings: Settings) -> Stream:
    """Open the stream to make topics in it."""
    return _open(settings)


def _open(settings: Settings, must_exist: bool = False) -> Stream:
    stream = settings.stream
    return open_stream(
        stream.url,
        client=stream.client,
        options=stream.kafka,
        security=stream.security,
        session_timeout_ms=settings.engine.session_timeout_ms,
        must_exist=must_exist,
    )

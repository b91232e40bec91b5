"""``perceptron run``: the service in the foreground."""

from __future__ import annotations

import json
import logging
from contextlib import nullcontext
from pathlib import Path

from service.commands.progress import Progress, Watch
from service.commands.terminal import Interruption, start_logging, warn_if_interpreted
from service.diary import Diary
from service.engine import SHARD, Engine
from service.http.server import serving
from service.memory import live_long
from service.model_file import read_model_file
from service.observer import Observer, Observers
from service.settings import Settings
from service.settings_sources import redacted
from service.streams.port import Stream
from service.tracing import Tracing

log = logging.getLogger("perceptron")


def run(
    stream: Stream,
    settings: Settings,
    until_end: bool,
    reset_from: str | None,
    reset_to: Path | None,
    interruption: Interruption,
) -> None:
    """Learn until stopped, or until the end as it is now.

    Raises
    ------
    PerceptronError
        Something that trying again will not mend.
    """
    start_logging(True, settings.log.format, settings.log.level, model=settings.model.name, shard=SHARD)
    log.info("settings: %s", json.dumps(redacted(settings), ensure_ascii=False))
    log.info("stream: %s by %s", settings.stream.url, stream.client)
    warn_if_interpreted()
    model = read_model_file(reset_to) if reset_to else None
    watch = Watch()
    spans = Tracing.from_environment(settings.model.name) or nullcontext(Observer())
    with serving(settings, stream.client) as served, spans as tracing:
        observers = Observers(watch, Diary(), served.observer, tracing)
        engine = Engine(stream, settings, reset_from=reset_from, reset_to=model, observer=observers)
        interruption.then(engine.stop)
        live_long()
        with Progress(watch.line, last=watch.summary):
            engine.run(until_end)

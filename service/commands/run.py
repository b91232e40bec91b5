"""``perceptron run``: the service in the foreground."""

from __future__ import annotations

import gc
import json
import logging

from service.commands.progress import Progress, Watch
from service.commands.terminal import Interruption, warn_if_interpreted
from service.engine import Engine
from service.settings import Settings
from service.settings_sources import redacted
from service.streams.port import Stream

log = logging.getLogger("perceptron")

GC_THRESHOLD = 100_000


def run(
    stream: Stream, settings: Settings, until_end: bool, reset_from: str | None, interruption: Interruption
) -> None:
    """Learn until stopped, or until the end as it is now.

    Raises
    ------
    PerceptronError
        Something that trying again will not mend.
    """
    log.info("settings: %s", json.dumps(redacted(settings), ensure_ascii=False))
    log.info("stream: %s by %s", settings.stream.url, stream.client)
    warn_if_interpreted()
    watch = Watch()
    engine = Engine(stream, settings, reset_from=reset_from, observer=watch)
    interruption.then(engine.stop)
    calm_the_collector()
    with Progress(watch.line, last=watch.summary):
        engine.run(until_end)


def calm_the_collector() -> None:
    """Let the garbage collector leave what was loaded alone, and look at the rest seldom: it costs spikes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 100)

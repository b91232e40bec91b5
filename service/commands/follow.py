"""``perceptron follow``: a line for each commit of a model, as a live copy of it sees them."""

from __future__ import annotations

import threading
from collections.abc import Callable

from service.commands.json_text import json_text
from service.follower import ModelFollower
from service.model_state import Head
from service.settings import Settings

WAIT_S = 0.2


def follow(settings: Settings, say: Callable[[str], None], as_json: bool, stop: threading.Event) -> None:
    """Say what each commit left, from the last one on, until stopped.

    Raises
    ------
    PerceptronError
        There is nothing to follow, or following has ended for good.
    """
    line = _json_line if as_json else _line
    with ModelFollower(settings=settings) as live:
        sequence = 0
        while not stop.is_set():
            try:
                head = live.wait_for_commit(sequence, WAIT_S)
            except TimeoutError:
                continue
            say(line(head, live.metrics))
            sequence = head.sequence + 1


def _line(head: Head, metrics: dict[str, float]) -> str:
    numbers = "  ".join(f"{name} {value:.4g}" for name, value in metrics.items())
    return f"commit {head.sequence:,}  version {head.version:,}  {head.features:,} features  {numbers}"


def _json_line(head: Head, metrics: dict[str, float]) -> str:
    said = {name: getattr(head, name) for name in ("sequence", "version", "features", "hash", "next_offsets")}
    return json_text({**said, "metrics": metrics})

"""Where the service meets the machine: clock, chance and threads, replaced by the world's own."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

from service import engine, input, learner, reset, wish
from service.records import Decoder
from service.settings import Settings
from service.streams import kafka_writer
from tests.faults.simulation.clock import Clock
from tests.faults.simulation.process import VirtualTime

CLOCKED = (engine, input, wish, kafka_writer)
CHANCY = (engine, reset)


class _Tokens:
    """Stands in for the module ``secrets``."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def token_hex(self, count: int) -> str:
        """Return that many bytes in hex."""
        return self._random.randbytes(count).hex()


class _Watchdog:
    """A watchdog without a thread: in virtual time nothing hangs."""

    def __init__(self, limit_s: float) -> None:
        pass

    def tick(self, doing: str) -> None:
        """Take note of nothing."""

    def __enter__(self) -> _Watchdog:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@functools.cache
def _decoder(identity: int, may_be_rows: bool) -> Decoder:
    return Decoder(_known[identity], may_be_rows)


_known: dict[int, Settings] = {}


def _one_decoder_each(settings: Settings, may_be_rows: bool) -> Decoder:
    """Return the decoder of these settings: nothing in it matters, and half of a start is making it."""
    _known[id(settings)] = settings  # which also keeps the id from being given to another
    return _decoder(id(settings), may_be_rows)


@contextmanager
def in_world(clock: Clock, seed: int) -> Iterator[None]:
    """Run the service on the world's clock and chance."""
    time, secrets = VirtualTime(clock), _Tokens(seed)
    replaced: list[tuple[Any, str, Any]] = [
        *((module, "time", time) for module in CLOCKED),
        *((module, "secrets", secrets) for module in CHANCY),
        (engine, "Watchdog", _Watchdog),
        (learner, "Decoder", _one_decoder_each),
        (engine, "give_back", lambda: None),
    ]
    with ExitStack() as stack:
        for place, name, ours in replaced:
            stack.enter_context(mock.patch.object(place, name, ours))
        yield

"""What the tests of HTTP share: an engine on SQLite with its observers, and a client before them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from service.board import Board
from service.engine import Engine
from service.http.app import new_app
from service.http.metrics import Metrics
from service.http.server import serving
from service.observer import Observers
from service.settings import Settings
from service.streams.port import Output
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import read_to_end
from tests.corpus import cases, settings

RECORDS = cases(400)
TOKEN = "a-token-of-the-tests"
SAMPLE = {"features": {"n1": 2.0, "country": "FR", "vip": True}}


class Bench:
    """A stream, an engine that is run when a test says so, and HTTP before what it tells."""

    def __init__(self, path: Path, chosen: Settings, token: str | None = None) -> None:
        self.settings = chosen
        self.stream = SqliteStream(str(path / "stream.db"), 1500)
        self.stream.create_topics(topic_specs(chosen))
        self.board = Board(chosen)
        metrics = Metrics(self.board)
        self.observer = Observers(self.board, metrics)
        self.app: Any = new_app(self.board, metrics, token=token, client="sqlite")
        self.http = TestClient(self.app, base_url="http://localhost")

    def produce(self, values: Sequence[bytes | None]) -> None:
        """Put records into the samples topic."""
        self.stream.append([Output(self.settings.topics.samples, 0, [None] * len(values), values)])

    def learn(self, values: Sequence[bytes | None] = ()) -> None:
        """Produce, and run the engine to the end."""
        self.produce(values)
        Engine(self.stream, self.settings, observer=self.observer).run(until_end=True)

    def published(self) -> list[dict[str, Any]]:
        """Return all predictions of the topic."""
        place = (self.settings.topics.predictions, 0)
        with self.stream.reader() as reader:
            reader.seek({place: 0})
            return [json.loads(value or b"") for _, _, value, _ in read_to_end(self.stream, reader, place)]

    def ask(self, sample: Any, **how: Any) -> Any:
        """Post a sample, or a list of them."""
        return self.http.post("/predict", json=sample, **how)


@contextmanager
def bench(path: Path, token: str | None = None, **sections: Any) -> Iterator[Bench]:
    """Open a bench."""
    made = Bench(path, settings(**sections), token)
    with made.stream:
        yield made


@contextmanager
def served(path: Path, **http: Any) -> Iterator[str]:
    """Run an engine with a real server beside it; the result is the server's address."""
    chosen = settings(http={"port": 0, **http})
    with SqliteStream(str(path / "stream.db"), 1500) as stream:
        stream.create_topics(topic_specs(chosen))
        values = [case.value for case in RECORDS]
        stream.append([Output(chosen.topics.samples, 0, [None] * len(values), values)])
        with serving(chosen, stream.client) as beside:
            engine = Engine(stream, chosen, observer=beside.observer)
            thread = threading.Thread(target=engine.run)
            thread.start()
            try:
                assert beside.address is not None
                yield beside.address
            finally:
                engine.stop()
                thread.join(60)
        assert not thread.is_alive()

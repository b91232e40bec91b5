"""A learner in a process of its own, to be killed: says each commit on its output, one JSON line each."""

from __future__ import annotations

import json
import logging
import sys

from service.engine import Commit, Engine
from service.streams.select import open_stream
from tests.corpus import settings


def main(url: str, client: str, sections: str, until_end: str) -> None:
    """Learn the corpus on a stream."""
    logging.basicConfig(level=logging.WARNING)
    chosen = settings(**json.loads(sections))
    options = {"client": client, "session_timeout_ms": chosen.engine.session_timeout_ms}
    with open_stream(url, **options) as stream:  # type: ignore[arg-type]
        Engine(stream, chosen, on_commit=_say).run(until_end=until_end == "until-end")


def _say(commit: Commit) -> None:
    said = {"sequence": commit.head.sequence, "attempt": commit.head.attempt, "records": commit.records}
    print(json.dumps(said), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

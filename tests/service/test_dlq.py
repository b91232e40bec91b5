"""Dead letters: seen, understood, repaired, and put back exactly once."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.commands.dlq import Wanted, letter_json, letters
from service.commands.replay import Replay
from service.engine import Engine
from service.errors import ConfigurationError, PerceptronError
from service.settings import Settings
from service.streams.port import Output, Stream
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.faults.checks import read_topic
from tests.rig_faults import ABORTED, LOST, WRITTEN, ScriptedStream
from tests.service.command_line import answer, perceptron

GOOD = b'{"id": "a", "features": {"x": 1.5}, "label": 1}'
WRONG_LABEL = b'{"id": "b", "features": {"x": -1}, "label": "yes"}'
REPAIRED = b'{"id": "b", "features": {"x": -1}, "label": 0}'
NO_JSON = b"no json"
LINES = b"\n".join([GOOD, WRONG_LABEL, NO_JSON, GOOD])


def learned(home: Path) -> None:
    perceptron(home, "produce", stdin=LINES)
    perceptron(home, "run", "--until-end")


def test_letters_are_listed_counted_and_shown_with_the_record_as_it_came(tmp_path: Path) -> None:
    learned(tmp_path)
    first, second = answer(tmp_path, "dlq", "ls").splitlines()
    assert first.startswith("0:0  bad_label  phishing.samples/0@1  ")
    assert second.startswith("0:1  not_json  phishing.samples/0@2  ")
    assert answer(tmp_path, "dlq", "ls", "--reason", "not_json").splitlines() == [second]
    assert answer(tmp_path, "dlq", "ls", "--max", "1").splitlines() == [first]
    rows = json.loads(answer(tmp_path, "dlq", "stats", "--json"))
    assert {(row["reason"], row["letters"], row["latest"]) for row in rows} == {
        ("bad_label", 1, "0:0"),
        ("not_json", 1, "0:1"),
    }
    assert "bad_label" in answer(tmp_path, "dlq", "stats")
    assert WRONG_LABEL.decode() in answer(tmp_path, "dlq", "show", "0")
    assert json.loads(answer(tmp_path, "dlq", "show", "0:1", "--json"))["value"] == "no json"


def test_a_repaired_record_is_learned_once_with_its_history(tmp_path: Path) -> None:
    learned(tmp_path)
    lines = [json.loads(line) for line in answer(tmp_path, "dlq", "ls", "--json").splitlines()]
    lines[0]["value"] = REPAIRED.decode()
    (tmp_path / "repairs").write_text("\n".join(map(json.dumps, lines)))
    assert answer(tmp_path, "dlq", "replay", "--repairs", "repairs").startswith("1 replayed, 1 refused, 0")
    perceptron(tmp_path, "run", "--until-end")
    last = json.loads(answer(tmp_path, "consume", "samples", "--records").splitlines()[-1])
    assert (last["value"], last["key"]) == (REPAIRED.decode(), "b")
    assert last["headers"]["perceptron.replay.reason"] == "bad_label"
    assert last["headers"]["perceptron.replay.offset"] == "1"
    assert json.loads(answer(tmp_path, "model", "show", "--json"))["version"] == 3
    assert [line.split()[1] for line in answer(tmp_path, "dlq", "ls").splitlines()] == ["not_json"]
    assert len(answer(tmp_path, "dlq", "ls", "--all").splitlines()) == 3
    assert answer(tmp_path, "dlq", "replay", "--repairs", "repairs").startswith("0 replayed, 1 refused, 0")


def test_other_reasons_stay_open(tmp_path: Path) -> None:
    learned(tmp_path)
    assert answer(tmp_path, "dlq", "replay", "--reason", "diverged").startswith("0 replayed, 0 refused, 2")
    assert len(answer(tmp_path, "dlq", "ls").splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["show", "x"], 2, "PARTITION:OFFSET"),
        (["show", "7"], 1, "no dead letter at 7"),
        (["replay", "--repairs", "nowhere"], 2, "nowhere"),
        (["replay", "--repairs", "wrong"], 2, "line 1"),
    ],
)
def test_what_can_not_be_done_is_told(tmp_path: Path, words: list[str], code: int, told: str) -> None:
    learned(tmp_path)
    (tmp_path / "wrong").write_text('{"partition": 0}\n')
    assert told in perceptron(tmp_path, "dlq", *words, code=code).stderr.decode()


@pytest.fixture(
    params=[
        "sqlite",
        *(pytest.param(kind, marks=pytest.mark.kafka) for kind in ("kafka-python", "confluent")),
    ]
)
def stream(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stream]:
    if request.param == "sqlite":
        url, client = f"sqlite:{tmp_path / 'dlq.db'}", "auto"
    else:
        url, client = f"kafka://{request.getfixturevalue('kafka_bootstrap')}", request.param
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    with open_stream(url, client=client, session_timeout_ms=1500) as opened:
        yield opened


def refused(stream: Stream, count: int) -> Settings:
    """Let a learner refuse ``count`` records."""
    chosen = Settings.model_validate({"model": {"name": f"dlq-{uuid.uuid4().hex[:8]}"}})
    stream.create_topics(topic_specs(chosen))
    values = [json.dumps({"id": n, "features": {"x": n}, "label": "yes"}).encode() for n in range(count)]
    stream.append([Output(chosen.topics.samples, 0, [None] * count, values)])
    Engine(stream, chosen).run(until_end=True)
    return chosen


def repaired(stream: Stream, chosen: Settings) -> dict[tuple[int, int], bytes]:
    values = [letter_json(letter) for letter in letters(stream, chosen, Wanted(), whole=True)]
    return {(v["partition"], v["offset"]): v["value"].replace('"yes"', "1").encode() for v in values}


@pytest.mark.parametrize("fault", [ABORTED, LOST, WRITTEN])
def test_a_replay_that_fails_in_the_middle_writes_nothing_twice(
    stream: Stream, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.commands.replay.CHUNK", 4)
    chosen = refused(stream, 10)
    repairs = repaired(stream, chosen)
    scripted: Any = ScriptedStream(stream, [None, fault])
    with pytest.raises(PerceptronError, match="run it again"):
        Replay(scripted, chosen, repairs, lambda letter: True).run()
    counts = Replay(stream, chosen, repairs, lambda letter: True).run()
    assert counts["replayed"] == (2 if fault == WRITTEN else 6)
    ids = [json.loads(value)["id"] for _, _, value, _ in read_topic(stream, chosen.topics.samples)]
    assert ids == [*range(10), *range(10)]
    assert list(letters(stream, chosen, Wanted(), whole=False)) == []


def test_letters_are_found_by_when_they_were_written(stream: Stream) -> None:
    chosen, now = refused(stream, 3), datetime.now().astimezone()
    an_hour_ago, in_an_hour = now - timedelta(hours=1), now + timedelta(hours=1)
    if stream.client.startswith("sqlite"):
        with pytest.raises(ConfigurationError, match="keeps no times"):
            list(letters(stream, chosen, Wanted(since=an_hour_ago), whole=False))
        return

    def found(**when: datetime) -> int:
        return len(list(letters(stream, chosen, Wanted(**when), whole=False)))

    assert [found(since=an_hour_ago), found(until=in_an_hour)] == [3, 3]
    assert [found(since=in_an_hour), found(until=an_hour_ago)] == [0, 0]

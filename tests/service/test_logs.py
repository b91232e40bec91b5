"""The log: one JSON object a line where that is asked for, the same lines as before where not, no secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from service import logs
from service.commands import terminal
from service.diary import Diary
from service.engine import Engine
from service.errors import ConfigurationError
from service.streams.port import Output
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.corpus import cases, settings
from tests.rig_faults import ABORTED, ScriptedStream
from tests.service.command_line import perceptron

log = logging.getLogger("perceptron")


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave logging as it was."""
    root, handlers, levels = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    yield
    root.handlers[:] = handlers
    root.setLevel(levels)
    log.setLevel(logging.NOTSET)


class Written:
    """What was written to stderr so far."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture
        self._text = ""

    def getvalue(self) -> str:
        self._text += self._capture.readouterr().err
        return self._text


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Written:
    return Written(capsys)


def lines(stderr: Written) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stderr.getvalue().splitlines()]


def test_a_line_says_when_where_and_what(stderr: Written) -> None:
    terminal.start_logging(in_full=True, format="json", model="phishing", shard=0)
    log.warning("offset %d is gone", 17, extra={"topic": "t", "partition": 3, "offset": 17, "hidden": "x"})
    [line] = lines(stderr)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("ts"))
    assert line == {
        **{"level": "warning", "logger": "perceptron", "message": "offset 17 is gone"},
        **{"model": "phishing", "shard": 0, "topic": "t", "partition": 3, "offset": 17},
    }


@pytest.mark.parametrize(
    "message", ['"}\n{"level": "info', "\x1b[31m\x00\r\n", "日本 \ud800 😀", ":key: [red]"]
)
def test_no_message_breaks_a_line(stderr: Written, message: str) -> None:
    terminal.start_logging(in_full=True, format="json")
    log.error("%s", message)
    [line] = lines(stderr)
    assert line["message"] == message
    assert stderr.getvalue().isascii()


def test_an_exception_stays_in_its_line(stderr: Written) -> None:
    terminal.start_logging(in_full=True, format="json")
    try:
        raise ValueError("broken")
    except ValueError:
        log.exception("it went wrong")
    [line] = lines(stderr)
    assert line["exception"].endswith("ValueError: broken")


@pytest.mark.parametrize(
    ("format", "pid", "is_terminal", "expected"),
    [
        ("auto", 1, False, True),
        ("auto", 1, True, False),
        ("auto", 4711, False, False),
        ("text", 1, False, False),
        ("json", 4711, True, True),
    ],
)
def test_by_default_it_is_json_in_a_container_and_away_from_a_terminal(
    monkeypatch: pytest.MonkeyPatch, format: str, pid: int, is_terminal: bool, expected: bool
) -> None:
    monkeypatch.setattr("os.getpid", lambda: pid)
    monkeypatch.setattr(sys, "stderr", StringIO())
    monkeypatch.setattr(sys.stderr, "isatty", lambda: is_terminal, raising=False)
    assert logs.is_json(format) is expected


def test_text_is_for_a_person(stderr: Written) -> None:
    terminal.start_logging(in_full=True, format="text", model="phishing")
    log.info("learning on", extra={"version": 5})
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO learning on\n", stderr.getvalue())


@pytest.mark.parametrize(
    ("level", "ours", "theirs"),
    [
        ("debug", ["debug", "info", "warning", "error"], ["info", "warning", "error"]),
        ("info", ["info", "warning", "error"], ["warning", "error"]),
        ("warning", ["warning", "error"], ["warning", "error"]),
        ("error", ["error"], ["error"]),
    ],
)
def test_the_level_is_ours_and_the_libraries_say_less(
    stderr: Written, level: str, ours: list[str], theirs: list[str]
) -> None:
    terminal.start_logging(in_full=True, format="json", level=level)
    for name in ("perceptron", "kafka.client"):
        for said in ("debug", "info", "warning", "error"):
            getattr(logging.getLogger(name), said)(f"a line of {said}")
    assert [line["level"] for line in lines(stderr) if line["logger"] == "perceptron"] == ours
    assert [line["level"] for line in lines(stderr) if line["logger"] == "kafka.client"] == theirs


def test_a_client_that_says_the_same_over_and_over_is_cut_short(stderr: Written) -> None:
    terminal.start_logging(in_full=True, format="json")
    for number in range(5):
        logging.getLogger("kafka.conn").warning("connection %d lost", number)
    assert [line["message"] for line in lines(stderr)] == ["connection 0 lost"]


@pytest.mark.parametrize("format", ["json", "text"])
def test_what_ends_the_process_is_in_the_form_of_the_log(stderr: Written, format: str) -> None:
    terminal.start_logging(in_full=True, format=format)
    terminal._tell(ConfigurationError("model.name: two were given"))
    if format == "text":
        assert stderr.getvalue() == "Error: model.name: two were given\n"
    else:
        [line] = lines(stderr)
        assert (line["level"], line["kind"]) == ("error", "ConfigurationError")
        assert line["message"] == "model.name: two were given"


def test_an_engines_life_is_in_the_log_event_by_event(
    stderr: Written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)
    chosen, records = settings(engine={"max_batch": 50}), cases(200)
    terminal.start_logging(in_full=True, format="json", model="corpus", shard=0)
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as stream:
        stream.create_topics(topic_specs(chosen))
        keys, values = [case.key for case in records], [case.value for case in records]
        stream.append([Output(chosen.topics.samples, 0, keys, values)])
        Engine(ScriptedStream(stream, [None, ABORTED]), chosen, observer=Diary()).run(until_end=True)
    said = [line for line in lines(stderr) if line["level"] != "debug"]
    told = [(line["message"].split(":")[0].split(",")[0], line.get("kind")) for line in said]
    assert told == [
        ("learning on from version 0", None),
        ("owner of the shard", None),
        ("first commit", None),
        ("Aborted", "Aborted"),
        (f"learning on from version {said[2]['version']}", None),
        ("owner of the shard", None),
        ("first commit", None),
        ("stopped", None),
    ]
    assert {line["model"] for line in said} == {"corpus"}
    assert said[4]["version"] == said[2]["version"] > 0
    assert [said[number]["sequence"] for number in (0, 2, 4, 6)] == [0, 1, 1, 2]
    assert said[1]["role"] == "owner"
    text = stderr.getvalue()
    assert not [case for case in records if case.value and case.value.decode(errors="replace")[:40] in text]


def test_a_run_in_json_says_all_that_matters_and_nothing_that_is_secret(tmp_path: Path) -> None:
    samples = b'{"features": {"private": 1.5}, "label": 1}\n{"features": {"private": oops}}\n'
    perceptron(tmp_path, "produce", "-", stdin=samples)
    secret = {"PERCEPTRON_STREAM__KAFKA": '{"sasl.password": "hush-hush"}'}
    words = ("run", "--until-end", "--set", "log.format=json")
    said = perceptron(tmp_path, *words, variables=secret).stderr.decode()
    found = [json.loads(line) for line in said.splitlines()]
    assert {(line["model"], line["shard"]) for line in found} == {("phishing", 0)}
    beginnings = [re.split(r"[:,]| from", line["message"])[0] for line in found]
    assert beginnings[:2] == ["settings", "stream"]
    events = ["learning on", "owner of the shard", "first commit", "stopped"]
    assert [beginning for beginning in beginnings if beginning in events] == events
    assert not re.search("hush|private|oops", said)


def test_a_run_that_is_told_so_keeps_quiet(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "-", stdin=b'{"features": {}, "label": 1}\n')
    assert perceptron(tmp_path, "run", "--until-end", "--set", "log.level=error").stderr == b""

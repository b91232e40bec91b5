"""How commands end: exit codes, signals, and one message instead of a traceback."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.service.command_line import DEADLINE_S, answer, perceptron, running

STREAM = ("--stream", "sqlite:here.db")
NOBODY = "kafka://127.0.0.1:1"


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["config", "check", "--set", "model.lerning_rate=1"], "learning_rate"),
        (["config", "check", "--set", "model.learning_rate=-1"], "learning_rate"),
        (["config", "check", "--set", "nonsense"], "section.key=value"),
        (["config", "check", "--config", "gone.toml"], "gone.toml"),
        (["config", "check", "--stream", "http://x"], "sqlite:PATH"),
        (["config", "check", "--stream", "kafka://host:port"], "kafka://HOST"),
        (["config", "check", "--set", 'model.metrics=["Nix"]'], "Nix"),
        (["run", "--stream", "http://x"], "sqlite:PATH"),
        (["run", "--from", "first"], "--reset-model"),
        (["run", "--from", "nowhere"], "nowhere"),
        (["produce", "gone.jsonl"], "gone.jsonl"),
        (["produce", "--dataset", "iris"], "phishing"),
        (["produce", "gone.jsonl", "--dataset", "phishing"], "one of them"),
        (["produce", "--repeat", "2"], "--repeat"),
        (["produce", "--rate", "0"], "--rate"),
        (["topics", "create", "--shards", "2"], "one shard"),
        (["evaluate", "--dataset", "phishing", "--set", "model.task=regression"], "model.task"),
        (["evaluate", "-", "--plot", "curve.txt"], ".png"),
        (["demo", "--dataset", "iris"], "phishing"),
        (["nonsense"], "nonsense"),
    ],
)
def test_wrong_usage_ends_with_2(tmp_path: Path, words: list[str], told: str) -> None:
    assert told in perceptron(tmp_path, *words, code=2).stderr.decode()


@pytest.mark.parametrize("words", [["model", "show"], ["consume"], ["consume", "samples"]])
def test_what_only_reads_makes_no_file_and_no_topic(tmp_path: Path, words: list[str]) -> None:
    assert "here.db" in perceptron(tmp_path, *words, *STREAM, code=1).stderr.decode()
    assert not list(tmp_path.iterdir())
    perceptron(tmp_path, "produce", *STREAM)
    other = ("--set", "model.name=other")
    assert "other." in perceptron(tmp_path, *words, *STREAM, *other, code=1).stderr.decode()
    assert "other." in perceptron(tmp_path, *words, *STREAM, *other, code=1).stderr.decode()


def test_a_topic_without_a_model_is_told(tmp_path: Path) -> None:
    perceptron(tmp_path, "topics", "create", *STREAM)
    assert "no model yet" in perceptron(tmp_path, "model", "show", *STREAM, code=1).stderr.decode()


def test_another_configuration_ends_with_2_and_both_values(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing", *STREAM)
    perceptron(tmp_path, "run", "--until-end", *STREAM)
    said = perceptron(tmp_path, "run", *STREAM, "--set", "model.scale=false", code=2).stderr.decode()
    assert "model.scale is False, the stored model has True" in said


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "here.db").write_bytes(b"no database at all, but long enough to be looked at " * 100)
    for words in (["consume"], ["model", "show"], ["run", "--until-end"], ["produce"]):
        assert "here.db" in perceptron(tmp_path, *words, *STREAM, code=1).stderr.decode()


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    perceptron(tmp_path, "run", "--stream", "sqlite:no/such/place.db", code=1)


@pytest.mark.parametrize("client", ["kafka-python", "confluent"])
def test_a_broker_that_does_not_answer_is_told_in_time(tmp_path: Path, client: str) -> None:
    if client == "confluent":
        pytest.importorskip("confluent_kafka")
    started = time.monotonic()
    words = ("consume", "--stream", NOBODY, "--set", f"stream.client={client}")
    said = perceptron(tmp_path, *words, code=1).stderr.decode()
    assert "127.0.0.1:1" in said
    assert len(said.splitlines()) == 1
    assert time.monotonic() - started < 20


@pytest.mark.kafka
@pytest.mark.parametrize(
    "words", [["run"], ["produce", "--dataset", "phishing"], ["consume"], ["model", "show"]]
)
def test_a_missing_topic_on_kafka_is_told_with_what_makes_it(
    kafka_bootstrap: str, tmp_path: Path, words: list[str]
) -> None:
    where = ("--stream", f"kafka://{kafka_bootstrap}", "--set", "model.name=never-made")
    assert "perceptron topics create" in perceptron(tmp_path, *words, *where, code=1).stderr.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_service_commit_and_end_well(tmp_path: Path, number: signal.Signals) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing", *STREAM)
    with running(tmp_path, "run", *STREAM) as process:
        wait_until(lambda: bool(answer(tmp_path, "consume", "--max", "1", *STREAM, code=None)))
        process.send_signal(number)
        _, said = process.communicate(timeout=DEADLINE_S)
    assert process.returncode == 0, said
    assert b"Traceback" not in said
    assert json.loads(answer(tmp_path, "model", "show", "--json", *STREAM))["version"] == 1250


def test_a_second_signal_leaves_at_once(tmp_path: Path) -> None:
    with running(tmp_path, "consume", "--stream", NOBODY) as process:  # hangs in a call for ten seconds
        wait_until(lambda: _catches(process, signal.SIGINT))
        wait_until(lambda: _ends_by(process, signal.SIGINT))
        assert process.returncode == 130


def _ends_by(process: subprocess.Popen[bytes], number: int) -> bool:
    process.send_signal(number)  # the first only asks
    return process.poll() is not None


def _mask(process: subprocess.Popen[bytes], name: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1], 16)


def _catches(process: subprocess.Popen[bytes], number: int) -> bool:
    both = (1 << (number - 1)) | (1 << (signal.SIGTERM - 1))
    return _mask(process, "SigCgt") & both == both


def test_produce_sends_what_is_there_and_stops_between_lines(tmp_path: Path) -> None:
    with running(tmp_path, "produce", *STREAM) as process:
        assert process.stdin is not None
        process.stdin.write(b"{}\n{}\nhalf")
        process.stdin.flush()
        wait_until(lambda: answer(tmp_path, "consume", "samples", *STREAM, code=None) == "{}\n{}\n")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE_S) == 0
    assert answer(tmp_path, "consume", "samples", *STREAM) == "{}\n{}\n"


def test_follow_goes_on_until_it_is_stopped(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", *STREAM, stdin=b"first\n")
    with running(tmp_path, "consume", "samples", "--follow", *STREAM) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"first\n"
        perceptron(tmp_path, "produce", *STREAM, stdin=b"second\n")
        assert process.stdout.readline() == b"second\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE_S) == 0


def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing", "--repeat", "4", *STREAM)
    with running(tmp_path, "consume", "samples", *STREAM) as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.stdout.close()
        process.stdout = None
        _, said = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, said) == (0, b"")


def test_help_comes_fast_and_loads_little(tmp_path: Path) -> None:
    started = time.monotonic()
    assert "evaluate" in answer(tmp_path, "--help")
    assert time.monotonic() - started < 2  # half a second where nothing else runs

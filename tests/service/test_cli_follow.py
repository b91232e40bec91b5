"""``perceptron follow``: a line for each commit, for a person or a program."""

from __future__ import annotations

import json
import signal
from pathlib import Path

from tests.service.command_line import answer, perceptron, running


def test_each_commit_is_a_line_and_the_last_one_is_what_model_show_says(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing")
    small = ("--set", "engine.max_batch=250")
    perceptron(tmp_path, "run", "--until-end", *small)
    with running(tmp_path, "follow", "--json") as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["version"] == 1250
        perceptron(tmp_path, "produce", "--dataset", "phishing")
        perceptron(tmp_path, "run", "--until-end", *small)
        while (last := json.loads(process.stdout.readline()))["version"] < 2500:
            assert last["version"] % 250 == 0
        shown = json.loads(answer(tmp_path, "model", "show", "--json"))
        assert last == {name: shown[name] for name in last}
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


def test_nothing_to_follow_is_told(tmp_path: Path) -> None:
    done = perceptron(tmp_path, "follow", code=1)
    assert b"no such file" in done.stderr

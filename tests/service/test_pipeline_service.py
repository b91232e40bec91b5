"""A river pipeline on a stream, end to end: the engine, the model log and the command line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from service.engine import Engine
from service.errors import Damaged
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import Head
from service.settings import Settings
from service.streams.port import Output, Stream
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import read_to_end
from tests.rig_faults import ABORTED, FENCED, LOST, WRITTEN, ScriptedStream
from tests.service.command_line import answer, perceptron
from tests.service.test_pipeline import chosen, river_loop, usable

NAMES = ["logistic", "union", "target_scaled", "bayes", "hoeffding"]
BAD = [b"no json", b'{"features": {"a": 1e300}, "label": 1}', b'{"features": {"a": 1}, "label": "?"}']


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)


def lines(name: str) -> list[bytes]:
    """Return samples as records, with a bad one after every 30."""
    made = [
        json.dumps({"features": features, "label": label if name == "target_scaled" else int(label)}).encode()
        for features, label in zip(*usable(name), strict=True)
    ]
    for place in range(30, len(made), 30):
        made.insert(place, BAD[place % len(BAD)])
    return made


def stream(path: Path, settings: Settings) -> SqliteStream:
    opened = SqliteStream(str(path), 1500)
    opened.create_topics(topic_specs(settings))
    return opened


def produce(to: Stream, settings: Settings, values: list[bytes]) -> None:
    to.append([Output(settings.topics.samples, 0, [None] * len(values), values)])


def run(on: Any, settings: Settings, **options: Any) -> None:
    Engine(on, settings, **options).run(until_end=True)


def restored(on: Stream, settings: Settings) -> tuple[Learner, Head | None]:
    learner = Learner(settings, {})
    log = ModelLog(on, settings)
    try:
        return learner, log.catch_up(learner)
    finally:
        log.close()


def outcome(on: Stream, settings: Settings) -> tuple[Any, ...]:
    learner, head = restored(on, settings)
    assert head is not None
    written = []
    for topic in (settings.topics.predictions, settings.topics.dlq):
        with on.reader() as reader:
            reader.seek({(topic, 0): 0})
            written.append([row[1:] for row in read_to_end(on, reader, (topic, 0))])
    return head.hash, learner.model.hash(), head.version, learner.metric_values(), learner.position, written


@pytest.mark.parametrize("name", NAMES)
def test_runs_with_a_stop_and_faults_between_leave_what_one_run_leaves(tmp_path: Path, name: str) -> None:
    settings = chosen(name)
    values = lines(name)
    with stream(tmp_path / "whole.db", settings) as whole, stream(tmp_path / "halves.db", settings) as halves:
        produce(whole, settings, values)
        run(whole, settings)
        produce(halves, settings, values[:131])
        run(ScriptedStream(halves, [ABORTED, None, WRITTEN]), settings)
        produce(halves, settings, values[131:])
        run(ScriptedStream(halves, [LOST, None, FENCED, None, WRITTEN]), settings)
        assert outcome(halves, settings) == outcome(whole, settings)
        predictions = [json.loads(value) for _, value, _ in outcome(whole, settings)[-1][0]]
    key = "prediction" if name == "target_scaled" else "probability"
    assert [prediction[key] for prediction in predictions] == river_loop(name, *usable(name))
    assert [prediction["version"] for prediction in predictions] == list(range(len(predictions)))


@pytest.mark.parametrize("name", ["logistic", "moody", "hoeffding"])
def test_a_reset_model_begins_untrained(tmp_path: Path, name: str) -> None:
    settings = chosen(name)
    values = [b'{"features": {"a": %d}, "label": %d}' % (n, n % 2) for n in range(90)]
    with stream(tmp_path / "here.db", settings) as here:
        produce(here, settings, values)
        run(here, settings)
        first = outcome(here, settings)[:3]
        run(here, settings, reset_from="first")
        assert outcome(here, settings)[:3] == first
        run(here, settings, reset_from="end")
        learner, head = restored(here, settings)
        assert (learner.model.version, learner.model.hash()) == (0, Learner(settings, {}).model.hash())
        assert head is not None


def test_a_lost_block_is_damage(tmp_path: Path) -> None:
    settings = chosen("logistic")
    with stream(tmp_path / "here.db", settings) as here:
        produce(here, settings, [b'{"features": {"a": 1}, "label": 1}'])
        run(here, settings)
        here.append([Output(settings.topics.model, 0, [b"block/0"], [None])])
        log = ModelLog(here, settings)
        with pytest.raises(Damaged, match="0 features with hash"):
            log.catch_up(Learner(settings, {}))
        log.close()


FACTORY = """
from river import linear_model, preprocessing, tree
def scaled(): return preprocessing.StandardScaler() | linear_model.LogisticRegression()
def grown(): return tree.HoeffdingTreeClassifier(grace_period=20)
"""
STREAM = ("--stream", "sqlite:here.db")


def pipeline(name: str) -> tuple[str, str]:
    return "--set", f"model.pipeline=mine:{name}"


def test_a_pipeline_of_the_working_directory_is_run_shown_and_evaluated(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(FACTORY)
    perceptron(tmp_path, "produce", "--dataset", "phishing", *STREAM)
    perceptron(tmp_path, "run", "--until-end", *STREAM, *pipeline("scaled"))
    shown = json.loads(answer(tmp_path, "model", "show", "--json", *STREAM, *pipeline("scaled")))
    assert (shown["version"], shown["bias"], shown["features"]) == (1250, None, None)
    assert "mine:scaled" in answer(tmp_path, "model", "show", *STREAM, *pipeline("scaled"))
    evaluated = json.loads(
        answer(tmp_path, "evaluate", "--dataset", "phishing", "--json", *pipeline("scaled"))
    )
    assert (evaluated["hash"], evaluated["metrics"]) == (shown["hash"], shown["metrics"])
    assert shown["metrics"]["accuracy"] == pytest.approx(0.8928)  # as river's own documentation has it
    said = perceptron(tmp_path, "run", *STREAM, code=2).stderr.decode()
    assert "the stored model has 'mine:scaled'" in said


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["run", *STREAM, *pipeline("grown")], "model.allow_pickle = true"),
        (["config", "check", *pipeline("grown")], "LeafNaiveBayesAdaptive"),
        (["config", "check", *pipeline("gone")], "no attribute 'gone'"),
        (["config", "check", "--set", "model.pipeline=gone:gone"], "No module named 'gone'"),
        (
            ["config", "check", *pipeline("scaled"), "--set", "model.l2=1"],
            "l2 can't be set beside a pipeline",
        ),
        (["demo", *pipeline("scaled")], "perceptron evaluate"),
    ],
)
def test_what_can_not_be_run_ends_with_2(tmp_path: Path, words: list[str], told: str) -> None:
    (tmp_path / "mine.py").write_text(FACTORY)
    assert told in perceptron(tmp_path, *words, code=2).stderr.decode()

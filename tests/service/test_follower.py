"""A follower: a live copy, one whole version at a time, on every stream."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from perceptron_core import Perceptron, SampleRejected
from service import ModelFollower
from service.commands.model_show import read_model
from service.engine import Engine
from service.errors import ConfigurationError, Damaged, TopicMissing
from service.observer import Commit
from service.settings import Settings
from service.streams.port import Output, Stream
from service.streams.select import open_stream
from tests.contracts.rig import wait_until
from tests.corpus import cases, settings
from tests.faults.oracle import Oracle
from tests.faults.processes import provide
from tests.on_commit import OnCommit

RECORDS = cases(400)
SAMPLE = {"n1": 2.0, "country": "FR", "vip": True}

kafka = pytest.mark.kafka


@pytest.fixture(
    params=["sqlite", pytest.param("kafka-python", marks=kafka), pytest.param("confluent", marks=kafka)]
)
def where(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Any]:
    """Return the stream settings of each kind."""
    if request.param == "sqlite":
        return {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    if request.param == "confluent":
        pytest.importorskip("confluent_kafka")
    bootstrap = request.getfixturevalue("kafka_bootstrap")
    return {"url": f"kafka://{bootstrap}", "client": request.param}


def chosen_for(where: dict[str, Any], **model: Any) -> Settings:
    name = f"follow-{uuid.uuid4().hex[:8]}"
    return settings(model={"name": name, "l2": 0.0, **model}, engine={"max_batch": 40}, stream=where)


@contextmanager
def provided(where: dict[str, Any], chosen: Settings, records: Any = RECORDS) -> Iterator[Stream]:
    with open_stream(where["url"], client=where.get("client", "auto"), session_timeout_ms=1500) as stream:
        provide(stream, chosen, records)
        yield stream


def follow(where: dict[str, Any], chosen: Settings, **how: Any) -> ModelFollower:
    return ModelFollower(where["url"], chosen.model.name, client=where.get("client", "auto"), **how)


def test_it_says_what_the_committed_model_says_at_every_version(where: dict[str, Any]) -> None:
    chosen = chosen_for(where)
    versions: list[int] = []
    with provided(where, chosen, RECORDS[:100]) as stream:
        Engine(stream, chosen).run(until_end=True)
        oracle = Oracle(RECORDS, chosen)
        with follow(where, chosen) as live:
            versions.append(live.version)

            def on_commit(commit: Commit) -> None:
                versions.append(live.wait_for(commit.head.version))
                assert (live.head.hash, live.metrics) == (commit.head.hash, commit.metrics)

            rest = RECORDS[100:]
            stream.append([Output(chosen.topics.samples, 0, [c.key for c in rest], [c.value for c in rest])])
            Engine(stream, chosen, observer=OnCommit(on_commit)).run(until_end=True)
            assert live.head.hash == oracle.states[-1].hash
            assert live.stale_s < 5
            model = oracle._learner.model
            assert live.predict_one(SAMPLE) == model.predict_one(SAMPLE)
            assert live.predict_many([SAMPLE, {"n1": []}]).tolist()[0] == model.predict_one(SAMPLE)
            assert live.weights == model.weights
    assert versions == sorted(versions)
    assert len(set(versions)) >= 8


@pytest.mark.parametrize("learning_rate", [0.05, "auto", "ladder"])
@pytest.mark.parametrize(
    "more", [{}, {"scale": "robust", "interactions": [["n1", "country"]]}, {"hash_bits": 6}]
)
def test_the_topic_itself_says_which_neuron_it_holds(
    tmp_path: Path, learning_rate: Any, more: dict[str, Any]
) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = chosen_for(where, learning_rate=learning_rate, **more)
    with provided(where, chosen) as stream:
        Engine(stream, chosen).run(until_end=True)
        with follow(where, chosen) as live:
            _, learner = read_model(stream, chosen)
            assert isinstance(learner.model, Perceptron)
            assert live.predict_one(SAMPLE) == learner.model.predict_one(SAMPLE)


def test_many_threads_see_whole_versions_only(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = chosen_for(where)
    seen: set[float] = set()
    with provided(where, chosen, RECORDS[:40]) as stream:
        Engine(stream, chosen).run(until_end=True)
        oracle = Oracle(RECORDS[:40], chosen)
        possible = {float(oracle._learner.model.predict_one(SAMPLE))}
        done = threading.Event()
        with follow(where, chosen) as live:

            def look() -> None:
                while not done.is_set():
                    seen.update(set(live.predict_many([SAMPLE] * 20).tolist()))

            threads = [threading.Thread(target=look) for _ in range(3)]
            for thread in threads:
                thread.start()
            rest = RECORDS[40:]
            stream.append([Output(chosen.topics.samples, 0, [c.key for c in rest], [c.value for c in rest])])
            Engine(stream, chosen, observer=OnCommit(lambda c: possible.add(_at(RECORDS, chosen, c)))).run(
                until_end=True
            )
            live.wait_for(Oracle(RECORDS, chosen).states[-1].version)
            done.set()
            for thread in threads:
                thread.join()
    assert seen <= possible


def _at(records: Any, chosen: Settings, commit: Commit) -> float:
    [by_partition] = commit.head.next_offsets.values()
    model = Oracle(records[: by_partition[0]], chosen)._learner.model
    return float(model.predict_one(SAMPLE))


def test_a_model_that_was_started_anew_is_followed_on(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = chosen_for(where)
    with provided(where, chosen) as stream:
        Engine(stream, chosen).run(until_end=True)
        with follow(where, chosen) as live:
            other = settings(
                model={"name": chosen.model.name, "learning_rate": "ladder", "l2": 0.0}, stream=where
            )
            Engine(stream, other, reset_from="first").run(until_end=True)
            expected = Oracle(RECORDS, other)
            wait_until(lambda: live.head.hash == expected.states[-1].hash)
            assert live.predict_one(SAMPLE) == expected._learner.model.predict_one(SAMPLE)


def test_a_sample_that_can_not_be_used_is_refused_with_the_reason(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = chosen_for(where)
    with provided(where, chosen) as stream:
        Engine(stream, chosen).run(until_end=True)
        with follow(where, chosen) as live, pytest.raises(SampleRejected, match="wrong_type"):
            live.predict_one({"n1": [1]})


def test_nothing_to_follow_is_told(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    with pytest.raises(TopicMissing, match="no such file"):
        follow(where, chosen_for(where))
    chosen = chosen_for(where)
    with provided(where, chosen):
        with pytest.raises(TopicMissing, match="another"):
            ModelFollower(where["url"], "another")
        with pytest.raises(TimeoutError, match="without a first commit"):
            follow(where, chosen, timeout_s=0.2)


def test_a_version_that_does_not_come_is_told(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = chosen_for(where)
    with provided(where, chosen) as stream:
        Engine(stream, chosen).run(until_end=True)
        with follow(where, chosen) as live, pytest.raises(TimeoutError, match="version 1000000"):
            live.wait_for(1_000_000, timeout_s=0.1)


def test_a_pipeline_needs_the_settings_because_a_topic_may_not_name_code(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = Settings.model_validate(
        {"model": {"name": "piped", "pipeline": "tests.service.pipelines:logistic"}, "stream": where}
    )
    with provided(where, chosen) as stream:
        Engine(stream, chosen).run(until_end=True)
        with pytest.raises(ConfigurationError, match="give ModelFollower the learner's settings"):
            follow(where, chosen)
        with ModelFollower(settings=chosen) as live:
            assert 0 <= live.predict_one({"n1": 1.0}) <= 1


def test_damage_ends_the_following_and_every_prediction_says_so(tmp_path: Path) -> None:
    where = {"url": f"sqlite:{tmp_path / 'stream.db'}"}
    chosen = chosen_for(where)
    with provided(where, chosen) as stream:
        Engine(stream, chosen).run(until_end=True)
        with follow(where, chosen) as live:
            stream.append([Output(chosen.topics.model, 0, [b"head"], [b"no head"])])
            with pytest.raises(Damaged):
                live.wait_for(1_000_000)
            with pytest.raises(Damaged, match=chosen.topics.model):
                live.predict_one(SAMPLE)

"""Asking the last committed version: its answers are those that it publishes."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from service.engine import Engine
from service.settings import Settings
from tests.corpus import MAX_FEATURES
from tests.service.http.rig import RECORDS, SAMPLE, Bench, bench

GOOD = [case.value for case in RECORDS if case.reason is None and case.value]
POSITION = {"topic", "partition", "offset"}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path) as made:
        yield made


def as_published(prediction: dict[str, Any]) -> dict[str, Any]:
    """Return what a published prediction says, without its place; an id made from that is none."""
    said = {name: value for name, value in prediction.items() if name not in POSITION}
    return {**said, "id": None} if str(said["id"]).startswith("corpus.samples-0-") else said


@pytest.mark.parametrize(
    "model",
    [{}, {"task": "regression"}, {"labels": ["no", "yes"]}, {"learning_rate": "auto", "l2": 0.0}],
    ids=["binary", "regression", "texts", "auto"],
)
def test_an_answer_is_the_prediction_that_this_version_publishes_next(
    tmp_path: Path, model: dict[str, Any]
) -> None:
    with bench(tmp_path, model=model) as desk:
        values = [relabelled(value, model) for value in GOOD[:60]]
        desk.learn(values[:40])
        for value in values[40:]:
            answer = desk.http.post("/predict", content=value, headers={"content-type": "application/json"})
            desk.learn([value])
            assert (answer.status_code, answer.json()) == (200, as_published(desk.published()[-1]))


def relabelled(value: bytes, model: dict[str, Any]) -> bytes:
    sample = json.loads(value)
    label = sample.pop("label", sample.pop("ground_truth", None))
    names = model.get("labels", [0, 1])
    return json.dumps({**sample, "label": None if label is None else names[int(label)]}).encode()


def test_what_is_learned_but_not_committed_is_never_shown(
    desk: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.learn(GOOD[:40])
    before, begin, during = desk.ask(SAMPLE).json(), Engine._begin, []

    def asked_meanwhile(engine: Engine, *what: Any) -> None:
        during.append(desk.ask(SAMPLE).json())
        during.append(desk.http.get("/state").json()["version"])
        begin(engine, *what)

    monkeypatch.setattr(Engine, "_begin", asked_meanwhile)
    desk.learn(GOOD[40:80])
    assert during == [before, before["version"]]
    after = desk.ask(SAMPLE).json()
    assert after["version"] > before["version"]
    assert after["probability"] != before["probability"]


def test_an_array_is_answered_in_order_and_by_one_version(desk: Bench) -> None:
    desk.learn(GOOD[:40])
    samples = [json.loads(value) for value in GOOD[40:]] * 4  # more than a stretch
    together = desk.ask(samples).json()
    assert len(together) == len(samples)
    assert together[:3] + together[-3:] == [desk.ask(s).json() for s in samples[:3] + samples[-3:]]
    assert desk.ask([]).json() == []


def test_a_label_is_echoed_and_not_learned(desk: Bench) -> None:
    desk.learn(GOOD[:40])
    state = desk.http.get("/model").json()
    answers = [desk.ask({**SAMPLE, "label": label, "weight": 7}).json() for label in (None, 0, True)]
    assert [answer["label"] for answer in answers] == [None, 0, 1]
    assert len({answer["probability"] for answer in answers}) == 1
    assert desk.http.get("/model").json() == state


REFUSED = [
    ("not_json", 400, '{"features": {"n1": NaN}}'),
    ("not_json", 400, ""),
    ("not_json", 400, "["),
    ("not_json", 400, "[" * 3000),
    ("wrong_type", 422, "7"),
    ("wrong_type", 422, "[[]]"),
    ("missing_features", 422, "{}"),
    ("wrong_type", 422, '{"features": {"n1": [1]}}'),
    ("bad_label", 422, '{"features": {}, "label": "x"}'),
    ("bad_weight", 422, '{"features": {}, "weight": -1}'),
    ("not_finite", 422, '{"features": {"n1": 1e999}}'),
    ("too_large", 422, json.dumps({"features": {"x" * 257: 1}})),
    ("too_large", 422, json.dumps({"features": {}, "note": "n" * 30_000})),
    ("too_many_features", 422, json.dumps({"features": {f"w{j}": 1 for j in range(MAX_FEATURES + 1)}})),
    ("diverged", 422, '{"features": {"n1": 1e200}}'),
]


@pytest.mark.parametrize(("reason", "status", "body"), REFUSED)
def test_a_sample_that_cant_be_used_is_refused_by_the_dead_letters_reason(
    desk: Bench, reason: str, status: int, body: str
) -> None:
    desk.learn(GOOD[:40])
    answer = desk.http.post("/predict", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["reason"]) == (status, reason)
    assert answer.json()["message"]


def test_in_an_array_the_one_at_fault_is_named_and_nothing_is_answered(desk: Bench) -> None:
    desk.learn(GOOD[:40])
    for wrong, reason in (({}, "missing_features"), ({"features": {"n1": 1e200}}, "diverged")):
        answer = desk.ask([SAMPLE] * 600 + [wrong, {"features": 1}])
        assert answer.status_code == 422
        assert answer.json().keys() == {"reason", "message", "index"}
        assert answer.json()["index"] == 600 + (reason == "diverged")


def test_an_array_has_a_bound(desk: Bench) -> None:
    desk.learn(GOOD[:5])
    answer = desk.ask([0] * 10_001)
    assert (answer.status_code, answer.json()["reason"]) == (422, "too_large")


def test_contributions_add_up_to_the_score(desk: Bench) -> None:
    desk.learn(GOOD[:40])
    answer = desk.ask(SAMPLE, params={"contributions": "true"}).json()
    parts = answer["contributions"]
    assert parts.keys() == {"Intercept", "n1", "country=FR", "vip"}
    probability = answer["probability"]
    assert math.fsum(parts.values()) == pytest.approx(math.log(probability / (1 - probability)))
    assert "contributions" not in desk.ask(SAMPLE).json()


def test_before_the_first_commit_there_is_no_model(desk: Bench) -> None:
    for answer in (desk.ask(SAMPLE), desk.http.get("/model")):
        assert (answer.status_code, answer.json()["reason"]) == (503, "no_model")


def test_a_pipeline_predicts_but_has_no_weights(tmp_path: Path) -> None:
    chosen = Settings(model={"name": "corpus", "pipeline": "tests.service.pipelines:logistic"})
    desk = Bench(tmp_path, chosen)
    with desk.stream:
        desk.learn([b'{"features": {"a": 1.0}, "label": 1}', b'{"features": {"a": -1.0}, "label": 0}'] * 9)
        assert desk.ask({"features": {"a": 1.0}}).json()["prediction"] == 1
        shown = desk.http.get("/model").json()
        assert (shown["features"], shown["weights"]["items"]) == (None, [])
        refused = desk.ask({"features": {"a": 1.0}}, params={"contributions": "1"})
        assert (refused.status_code, refused.json()["reason"]) == (400, "no_contributions")


def test_the_model_is_shown_with_its_weights_page_by_page(desk: Bench) -> None:
    desk.learn(GOOD)
    whole = desk.http.get("/model", params={"limit": 1000}).json()
    weights = [(item["name"], item["weight"]) for item in whole["weights"]["items"]]
    assert whole["version"] == whole["weights"]["version"] == desk.board.head.version
    assert len(weights) == whole["weights"]["total"] == whole["features"]
    assert [abs(w) for _, w in weights] == sorted((abs(w) for _, w in weights), reverse=True)
    page = desk.http.get("/model", params={"offset": 3, "limit": 4, "sort": "name"}).json()["weights"]
    assert [(i["name"], i["weight"]) for i in page["items"]] == sorted(weights)[3:7]
    assert whole["settings"]["model"]["name"] == "corpus"
    for wrong in ({"limit": 1001}, {"offset": -1}, {"sort": "size"}):
        answer = desk.http.get("/model", params=wrong)
        assert (answer.status_code, answer.json()["reason"]) == (422, "bad_parameter")

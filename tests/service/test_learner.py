"""The learner, without any stream: what becomes of each record, whatever the batches."""

from __future__ import annotations

import json
import math

import pytest

from service.learner import Learner
from service.settings import Settings
from service.streams.port import Batch, Output
from tests.corpus import Case, cases, plain_loop, settings

RECORDS = cases(4000)
CHOSEN = settings()
WIDTHS = {CHOSEN.topics.predictions: 1, CHOSEN.topics.dlq: 1}


def batch(records: list[Case], first: int = 0, partition: int = 0) -> Batch:
    return Batch(
        CHOSEN.topics.samples,
        partition,
        offsets=range(first, first + len(records)),
        keys=[case.key for case in records],
        values=[case.value for case in records],
        headers=[[("h", b"\x00"), ("h", None)]] * len(records),
    )


def feed(learner: Learner, records: list[Case], size: int, first: int = 0) -> list[Output]:
    outputs = []
    for start in range(0, len(records), size):
        outputs += learner.process(batch(records[start : start + size], first + start))
        learner.commit()
    return outputs


def rows(outputs: list[Output], topic: str) -> list[tuple[object, ...]]:
    return [
        row
        for output in outputs
        if output.topic == topic
        for row in zip(output.keys, output.values, output.headers or [None] * len(output), strict=True)
    ]


@pytest.fixture(scope="module")
def whole() -> tuple[Learner, list[Output]]:
    learner = Learner(CHOSEN, WIDTHS)
    return learner, feed(learner, RECORDS, len(RECORDS))


def test_it_does_what_a_plain_loop_does(whole: tuple[Learner, list[Output]]) -> None:
    learner, outputs = whole
    expected = plain_loop(RECORDS, CHOSEN)
    assert [
        json.loads(value) for _, value, _ in rows(outputs, CHOSEN.topics.predictions)
    ] == expected.predictions
    dead = [dict(headers) for _, _, headers in rows(outputs, CHOSEN.topics.dlq)]
    told = [(int(h["perceptron.error.offset"]), h["perceptron.error.reason"].decode()) for h in dead]
    assert told == expected.dead
    assert (learner.model.hash(), learner.model.version) == (expected.hash, expected.version)


def test_the_corpus_meets_every_reason(whole: tuple[Learner, list[Output]]) -> None:
    assert set(whole[0].position.rejected) == {
        "empty", "not_json", "wrong_type", "missing_features", "bad_label", "bad_weight", "not_finite",
        "too_large", "too_many_features", "diverged",
    }  # fmt: skip
    assert whole[0].model.n_features > 2 * 256 - 20, "more than one block is in use"


@pytest.mark.parametrize("size", [1, 7, 500])
def test_batches_change_no_byte(whole: tuple[Learner, list[Output]], size: int) -> None:
    learner = Learner(CHOSEN, WIDTHS)
    outputs = feed(learner, RECORDS, size)
    for topic in WIDTHS:
        assert rows(outputs, topic) == rows(whole[1], topic)
    assert learner.model.hash() == whole[0].model.hash()
    assert learner.metric_values() == whole[0].metric_values()
    assert learner.position == whole[0].position


def test_a_dead_letter_keeps_the_record_and_says_why() -> None:
    learner = Learner(CHOSEN, WIDTHS)
    (letters,) = learner.process(batch([Case(b"\xff", b'{"label": 1}')], first=41, partition=3))
    assert (letters.topic, letters.partition) == (CHOSEN.topics.dlq, 0)
    assert (letters.keys, letters.values) == ([b"\xff"], [b'{"label": 1}'])
    assert letters.headers is not None
    assert letters.headers[0][:2] == [("h", b"\x00"), ("h", None)]
    assert dict(letters.headers[0][2:]) == {
        "perceptron.error.reason": b"missing_features",
        "perceptron.error.message": b"$.features: not there; an object of features was expected",
        "perceptron.error.topic": b"corpus.samples",
        "perceptron.error.partition": b"3",
        "perceptron.error.offset": b"41",
        "perceptron.error.model": b"corpus",
    }


def test_a_rollback_leaves_no_trace() -> None:
    learner, undisturbed = Learner(CHOSEN, WIDTHS), Learner(CHOSEN, WIDTHS)
    feed(learner, RECORDS[:700], 100)
    feed(undisturbed, RECORDS[:700], 100)
    for _ in range(3):
        learner.process(batch(RECORDS[700:1500], 700))
        learner.rollback()
    assert learner.position == undisturbed.position
    assert learner.metric_values() == undisturbed.metric_values()
    assert feed(learner, RECORDS[700:1500], 800, 700) == feed(undisturbed, RECORDS[700:1500], 800, 700)
    assert learner.model.hash() == undisturbed.model.hash()


def test_a_rollback_goes_back_to_what_was_staged_and_committed_since() -> None:
    learner, undisturbed = Learner(CHOSEN, WIDTHS), Learner(CHOSEN, WIDTHS)
    learner.process(batch(RECORDS[:700]))
    learner.stage()
    learner.process(batch(RECORDS[700:1500], 700))
    learner.commit()
    learner.rollback()
    feed(undisturbed, RECORDS[:700], 700)
    assert learner.position == undisturbed.position
    assert learner.metric_values() == undisturbed.metric_values()
    assert learner.model.hash() == undisturbed.model.hash()


def test_samples_without_a_label_are_predicted_and_change_nothing() -> None:
    learner = Learner(CHOSEN, WIDTHS)
    feed(learner, RECORDS[:300], 300)
    before = (learner.model.hash(), learner.model.version, learner.metric_values(), learner.model.n_features)
    unlabelled = [
        Case(None, json.dumps({"features": {"brand new": 1, "n1": 5}, "label": None}).encode())
    ] * 20
    (predictions,) = learner.process(batch(unlabelled, 300))
    assert len({json.loads(value or b"")["probability"] for value in predictions.values}) == 1
    after = (learner.model.hash(), learner.model.version, learner.metric_values(), learner.model.n_features)
    assert after == before


def test_texts_as_labels_are_echoed_in_their_own_form() -> None:
    chosen = settings(model={"labels": ["ham", "spam"]})
    learner = Learner(chosen, WIDTHS)
    samples = [b'{"features": {"a": 1}, "label": "spam"}', b'{"features": {"a": 1}}']
    outputs = learner.process(batch([Case(None, value) for value in samples]))
    first, second = (json.loads(value or b"") for value in outputs[0].values)
    assert (first["prediction"], first["label"]) == ("ham", "spam")
    assert (second["prediction"], second["label"]) == ("spam", None)
    assert learner.process(batch([Case(None, b'{"features": {}, "label": 1}')]))[0].topic == chosen.topics.dlq


def test_regression_publishes_values_and_no_probability() -> None:
    chosen = settings(model={"task": "regression"})
    learner = Learner(chosen, WIDTHS)
    values = [b'{"features": {"a": %d}, "label": %d}' % (n % 5, 3 * (n % 5)) for n in range(50)]
    values.append(b'{"features": {"a": 1}, "label": true}')
    predictions, letters = learner.process(batch([Case(None, value) for value in values]))
    last = json.loads(predictions.values[-1] or b"")
    assert list(last) == ["id", "prediction", "label", "model", "version", "topic", "partition", "offset"]
    assert last["label"] == 12.0
    assert dict((letters.headers or [])[0])["perceptron.error.reason"] == b"bad_label"


def test_flat_records_take_every_other_field_as_a_feature() -> None:
    flat = {"features": "*", "label": "y", "id": "name"}
    learner = Learner(settings(fields=flat), WIDTHS)
    values = [b'{"name": "r1", "y": 1, "age": 31, "country": "FR"}', b'{"y": 1, "age": {}}']
    predictions, letters = learner.process(batch([Case(None, value) for value in values]))
    assert json.loads(predictions.values[0] or b"")["id"] == "r1"
    assert list(learner.model.weights) == ["age", "country=FR"]
    assert b"$.age" in dict((letters.headers or [])[0])["perceptron.error.message"]


def test_metrics_of_river_by_name_agree_with_our_own() -> None:
    chosen = settings(model={"metrics": ["Accuracy", "F1", "LogLoss", "ROCAUC"]})
    learner = Learner(chosen, WIDTHS)
    feed(learner, RECORDS[:1000], 100)
    values = learner.metric_values()
    pairs = {"Accuracy": "accuracy", "F1": "f1", "LogLoss": "log_loss"}
    for theirs, ours in pairs.items():
        assert values[theirs] == pytest.approx(values[ours], rel=1e-9)
    learner.process(batch(RECORDS[1000:1500], 1000))
    learner.rollback()
    assert learner.metric_values() == values


def test_a_sample_for_which_a_river_metric_is_not_defined_is_left_out_of_it_alone() -> None:
    learner = Learner(settings(model={"task": "regression", "metrics": ["RMSLE", "MAE"]}), WIDTHS)
    values = [b'{"features": {"a": 1}, "label": %s}' % label for label in (b"3", b"-5", b"1e140", b"4")]
    (predictions,) = learner.process(batch([Case(None, value) for value in values]))
    assert len(predictions) == 4
    assert learner.metric_values()["MAE"] == pytest.approx(learner.metric_values()["mae"])


def test_one_enormous_label_does_not_spoil_the_metrics_for_good() -> None:
    learner = Learner(settings(model={"task": "regression"}), WIDTHS)
    values = [
        b'{"features": {"a": 1}, "label": %s}' % label for label in (b"3", b"1.7e308", b"-1.7e308", b"4")
    ]
    learner.process(batch([Case(None, value) for value in values]))
    assert all(map(math.isfinite, learner.metric_values().values()))


def test_defaults_need_no_settings() -> None:
    chosen = Settings()
    learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
    assert learner.process(batch([Case(b"k", b'{"features": {}, "label": 0}')]))[0].keys == [b"k"]

"""Mini-batches from data frames mean what the same rows mean one by one."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from river import compose, datasets, feature_extraction, preprocessing

from perceptron_core import SampleRejected
from perceptron_core.estimators import PerceptronClassifier, PerceptronRegressor

RATES = ["auto", "ladder", 0.05]
MIXED = pd.DataFrame(
    {
        "number": [1.5, math.nan, 3.0],
        "whole": [1, 2, 3],
        "nullable": pd.array([7, None, 9], dtype="Int64"),
        "flag": [True, False, True],
        "text": ["a", None, "b"],
        "category": pd.Categorical(["u", "v", None]),
        3: [0.0, -1.0, 1.0],
    },
    index=[10, 20, 30],
)
ROWS = [
    {"number": 1.5, "whole": 1, "nullable": 7, "flag": True, "text": "a", "category": "u", 3: 0.0},
    {"number": None, "whole": 2, "nullable": None, "flag": False, "text": None, "category": "v", 3: -1.0},
    {"number": 3.0, "whole": 3, "nullable": 9, "flag": True, "text": "b", "category": None, 3: 1.0},
]


def frame_of(rows: list[Any]) -> tuple[Any, Any]:
    return pd.DataFrame([x for x, _ in rows]), pd.Series([y for _, y in rows], name="target")


def assert_same(one: Any, many: Any) -> None:
    assert one._model.hash() == many._model.hash()
    assert one._model.version > 0


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("kind", [PerceptronClassifier, PerceptronRegressor])
def test_columns_of_every_kind_are_the_features_of_each_row(kind: Any, rate: Any) -> None:
    one, many = kind(learning_rate=rate), kind(learning_rate=rate)
    labels, weights = [1, 0, 1], [1.0, 0.5, 2.0]
    for x, y, w in zip(ROWS, labels, weights, strict=True):
        one.learn_one(x, y, w)
    many.learn_many(MIXED, pd.Series(labels), pd.Series(weights))
    assert_same(one, many)
    assert many.predict_many(MIXED).tolist() == [one.predict_one(x) for x in ROWS]


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("size", [1, 7, 200])
def test_any_cut_into_batches_gives_the_same_model(rate: Any, size: int) -> None:
    rows = list(datasets.Phishing().take(200))
    one, many = PerceptronClassifier(learning_rate=rate), PerceptronClassifier(learning_rate=rate)
    for x, y in rows:
        one.learn_one(x, y)
    for start in range(0, len(rows), size):
        many.learn_many(*frame_of(rows[start : start + size]))
    assert_same(one, many)


def test_predictions_keep_index_and_name_and_learn_nothing() -> None:
    model = PerceptronClassifier()
    model.learn_many(MIXED, pd.Series([True, False, True], name="spam", index=MIXED.index))
    before = model._model.hash()
    classes, chances = model.predict_many(MIXED), model.predict_proba_many(MIXED)
    assert (classes.name, classes.dtype) == ("spam", bool)
    assert list(classes.index) == list(chances.index) == [10, 20, 30]
    assert chances.columns.tolist() == [False, True]
    assert chances.to_dict("records") == [model.predict_proba_one(x) for x in ROWS]
    assert model._model.hash() == before


def test_rivers_scaler_before_it_works_on_frames() -> None:
    rows = list(datasets.TrumpApproval().take(100))
    pipeline = preprocessing.StandardScaler() | PerceptronRegressor(learning_rate=0.01)
    X, y = frame_of(rows)  # noqa: N806
    pipeline.learn_many(X, y)
    by_hand = PerceptronRegressor(learning_rate=0.01)
    scaled = pipeline["StandardScaler"].transform_many(X)
    for x, target in zip(scaled.to_dict("records"), y, strict=True):
        by_hand.learn_one(x, target)
    assert pipeline["PerceptronRegressor"].weights == pytest.approx(by_hand.weights, 1e-9)
    assert pipeline.predict_many(X).tolist() == pytest.approx([pipeline.predict_one(x) for x, _ in rows])


def test_words_that_a_text_does_not_have_take_no_part() -> None:
    texts, labels = ["cheap pills", "see you", "pills you see"], [True, False, True]
    one, many = (
        feature_extraction.BagOfWords() | PerceptronClassifier(learning_rate=0.1, l2=0.1) for _ in range(2)
    )
    for text, y in zip(texts, labels, strict=True):
        one.learn_one(text, y)
    many.learn_many(pd.Series(texts), pd.Series(labels))
    assert_same(one["PerceptronClassifier"], many["PerceptronClassifier"])


def test_columns_can_be_selected() -> None:
    model = compose.Select("whole", "flag") | PerceptronClassifier()
    model.learn_many(MIXED, pd.Series([True, False, True]))
    assert set(model["PerceptronClassifier"].weights) == {"whole", "flag"}


@pytest.mark.parametrize("labels", [[1, 0, None], [1.0, 0.0, math.nan]])
@pytest.mark.parametrize("kind", [PerceptronClassifier, PerceptronRegressor])
def test_a_missing_label_is_refused_before_anything_is_learned(kind: Any, labels: list[Any]) -> None:
    model = kind()
    with pytest.raises(ValueError, match=r"missing|None"):
        model.learn_many(MIXED, pd.Series(labels))
    assert model._model.version == 0


def test_a_refused_row_is_named_and_those_before_it_are_learned() -> None:
    model = PerceptronRegressor()
    X = pd.DataFrame({"a": [1.0, 2.0, np.inf, 4.0]})  # noqa: N806
    with pytest.raises(SampleRejected, match=r"sample 2: feature 'a'"):
        model.learn_many(X, pd.Series([1.0, 2.0, 3.0, 4.0]))
    assert model._model.version == 2


def test_lengths_must_agree() -> None:
    with pytest.raises(ValueError, match="3 samples, 2 labels"):
        PerceptronRegressor().learn_many(MIXED, pd.Series([1.0, 2.0]))


def test_empty_frames_are_fine() -> None:
    model = PerceptronClassifier()
    model.learn_many(MIXED.iloc[:0], pd.Series([], dtype=bool))
    assert model._model.version == 0
    assert model.predict_many(MIXED.iloc[:0]).tolist() == []
    assert model.predict_proba_many(pd.DataFrame(index=[1, 2])).shape == (2, 2)

"""The estimators are river's in every respect that river checks."""

from __future__ import annotations

import copy
import math
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from river import base, checks, compose, datasets, preprocessing

from perceptron_core import Perceptron, SampleRejected
from perceptron_core.estimators import PerceptronClassifier, PerceptronRegressor

ESTIMATORS: list[Any] = [
    kind(**parameters)
    for kind in (PerceptronClassifier, PerceptronRegressor)
    for parameters in kind._unit_test_params()
]
ESTIMATORS += [
    preprocessing.StandardScaler() | PerceptronClassifier(learning_rate=0.01),
    preprocessing.StandardScaler() | PerceptronRegressor(learning_rate=0.01),
]
OF_THE_SCALER = pytest.mark.xfail(
    strict=True, reason="river's scaler takes in the whole batch before it scales the first row"
)


def all_checks() -> Iterator[Any]:
    for number, estimator in enumerate(ESTIMATORS):
        for check in checks.yield_checks(estimator):
            in_batches = check.__name__ == "check_learn_many_matches_learn_one"
            marks = [OF_THE_SCALER] if in_batches and isinstance(estimator, compose.Pipeline) else []
            yield pytest.param(estimator, check, id=f"{number}-{check.__name__}", marks=marks)


@pytest.mark.parametrize(("estimator", "check"), list(all_checks()))
def test_passes_every_check_of_river(estimator: Any, check: Callable[[Any], None]) -> None:
    assert not estimator._unit_test_skips()
    check(estimator.clone())


def trained(estimator: Any) -> Any:
    for x, y in datasets.Phishing().take(100):
        estimator.learn_one(x, y)
    return estimator


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
@pytest.mark.parametrize("loss", ["log", "hinge"])
def test_a_copy_goes_on_by_itself(duplicate: Callable[[Any], Any], loss: str) -> None:
    original = trained(PerceptronClassifier(loss=loss))
    twin = duplicate(original)
    x = {"https": 1.0, "is_popular": 0.5}
    before = original.predict_proba_one(x)
    assert twin.predict_proba_one(x) == before
    twin.learn_one(x, True)
    assert original.predict_proba_one(x) == before != twin.predict_proba_one(x)


def test_a_clone_has_the_parameters_and_nothing_learned() -> None:
    original = trained(PerceptronClassifier(learning_rate=0.3, l2=0.1))
    clone = original.clone()
    assert clone._get_params() == original._get_params()
    assert clone.weights == {}


@pytest.mark.parametrize(
    "estimator",
    [kind(learning_rate=0.01, scale=True) for kind in (PerceptronClassifier, PerceptronRegressor)],
)
def test_a_changed_rate_applies_to_what_was_learned(estimator: Any) -> None:
    estimator = trained(estimator.clone())
    model = copy.deepcopy(estimator._model)
    estimator.mutate({"learning_rate": 0.7, "l2": 0.2, "intercept_learning_rate": 0.1})
    changed = model.with_parameters(learning_rate=0.7, l2=0.2, intercept_learning_rate=0.1)
    assert estimator.weights == model.weights
    estimator.learn_one({"https": 2.0}, 1)
    changed.learn_one({"https": 2.0}, 1)
    assert estimator._model.hash() == changed.hash()
    model.learn_one({"https": 2.0}, 1)
    assert changed.hash() != model.hash()


def test_a_rate_out_of_range_changes_nothing() -> None:
    estimator = PerceptronClassifier(learning_rate=0.3)
    with pytest.raises(ValueError, match="learning_rate"):
        estimator.mutate({"learning_rate": -1.0})
    assert estimator.learning_rate == 0.3
    with pytest.raises(ValueError, match="not a mutable attribute"):
        estimator.mutate({"scale": True})


@pytest.mark.parametrize(("before", "after"), [("auto", 0.1), (0.1, "auto"), ("auto", "ladder")])
def test_what_was_learned_keeps_its_meaning(before: Any, after: Any) -> None:
    estimator = trained(PerceptronClassifier(learning_rate=before))
    with pytest.raises(ValueError, match=r"learning_rate can't go from .* clone"):
        estimator.mutate({"learning_rate": after})
    assert estimator.learning_rate == before


@pytest.mark.parametrize(("rate", "scaled"), [("auto", True), ("ladder", True), (0.1, False)])
def test_scales_by_itself_where_no_rate_is_given(rate: Any, scaled: bool) -> None:
    assert PerceptronRegressor(learning_rate=rate)._model.config["scale"] is scaled
    assert PerceptronRegressor(learning_rate=rate, scale=not scaled)._model.config["scale"] is not scaled


@pytest.mark.parametrize("classes", [(False, True), (0, 1), (np.False_, np.True_), (0.0, 1.0)])
def test_classes_are_false_and_true_or_what_equals_them(classes: tuple[Any, Any]) -> None:
    model, expected = PerceptronClassifier(), PerceptronClassifier()
    for x, y in datasets.Phishing().take(50):
        model.learn_one(x, classes[y])
        expected.learn_one(x, y)
    assert model.weights == expected.weights
    assert model.predict_one(x) in classes


def test_other_classes_are_refused_and_the_way_out_is_named() -> None:
    for other in ("spam", 2, 0.5, None, float("nan")):
        with pytest.raises(ValueError, match=f"{other}.*OneVsRestClassifier"):
            PerceptronClassifier().learn_one({"a": 1.0}, other)


def test_a_tie_is_false() -> None:
    assert PerceptronClassifier().predict_one({}) is False


def test_probabilities_need_an_activation_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="sigmoid"):
        PerceptronClassifier(loss="squared", activation="identity")


def test_losses_of_classes_are_for_the_classifier() -> None:
    with pytest.raises(ValueError, match=r"hinge.*PerceptronClassifier"):
        PerceptronRegressor(loss="hinge")
    with pytest.raises(ValueError, match="poisson"):
        PerceptronClassifier(loss="poisson")


@pytest.mark.parametrize("activation", ["sigmoid", "identity", "step"])
def test_a_margin_is_turned_into_a_class_and_a_probability(activation: str) -> None:
    model = trained(PerceptronClassifier("hinge", activation, learning_rate=0.1, scale=True))
    for x, _ in datasets.Phishing().take(200):
        score = model.score_one(x)
        assert model.predict_one(x) is (score > 0)
        assert model.predict_proba_one(x)[True] == pytest.approx(1 / (1 + math.exp(-score)))


def test_rosenblatts_rule_predicts_by_the_step() -> None:
    model = PerceptronClassifier("perceptron", learning_rate=1.0)
    model.learn_one({"a": 2.0}, True)
    assert model.weights == {"a": 2.0}
    assert model.predict_one({"a": 1.0}) is True
    assert model.predict_one({"a": -1.0}) is False


def test_a_counter_is_a_dict_of_features() -> None:
    PerceptronClassifier().learn_one(Counter("hello"), True)


def test_what_river_would_be_spoiled_by_is_refused() -> None:
    model = trained(PerceptronClassifier())
    before = model.weights
    with pytest.raises(SampleRejected):
        model.learn_one({"https": float("nan")}, True)
    assert model.weights == before


@pytest.mark.parametrize("kind", [PerceptronClassifier, PerceptronRegressor])
def test_a_prediction_leaves_nan_out_and_refuses_infinity(kind: Any) -> None:
    model = trained(kind())
    assert model.predict_one({"https": float("nan"), "is_popular": 1.0}) == model.predict_one(
        {"is_popular": 1.0}
    )
    with pytest.raises(SampleRejected, match="inf"):
        model.predict_one({"https": float("nan"), "is_popular": float("inf")})
    with pytest.raises(SampleRejected, match="list"):
        model.predict_one({"https": []})


def test_parameters_are_those_of_the_perceptron() -> None:
    names = set(Perceptron().config)
    for estimator in (PerceptronClassifier(), PerceptronRegressor()):
        assert set(estimator._get_params()) == names
        assert isinstance(estimator, base.Estimator)


@pytest.mark.parametrize("kind", [PerceptronClassifier, PerceptronRegressor])
@pytest.mark.parametrize("rate", ["auto", "ladder", 0.05])
def test_what_debug_one_shows_adds_up_to_the_score(kind: Any, rate: Any) -> None:
    model = trained(kind(learning_rate=rate, scale=True))
    before = model._model.hash()
    for x, _ in datasets.Phishing().take(20):
        *summands, score = lines_of(model.debug_one({**x, "new": 3.0, "text": "a"}, decimals=12))
        assert sum(float(line[-1]) for line in summands) == pytest.approx(float(score[-1]), abs=1e-9)
        assert float(score[-1]) == pytest.approx(model.score_one(x), abs=1e-9)
    assert model._model.hash() == before


def lines_of(table: str) -> list[list[str]]:
    """Return the cells of a table below its header."""
    return [line.split() for line in table.splitlines()[1:]]


def test_debug_one_names_values_weights_and_contributions() -> None:
    model = PerceptronClassifier(learning_rate=0.5)
    model.learn_one({"age": 2, "country": "FR"}, True)
    assert lines_of(model.debug_one({"age": 3, "country": "FR", "gap": None}, decimals=2)) == [
        ["age", "3.00", "3.00", "0.50", "1.50"],
        ["Intercept", "1.00", "1.00", "0.25", "0.25"],
        ["country=FR", "1.00", "1.00", "0.25", "0.25"],
        ["Score", "2.00"],
    ]


def test_rivers_pipeline_shows_it_too() -> None:
    pipeline = trained(preprocessing.StandardScaler() | PerceptronClassifier(learning_rate=0.1))
    x, _ = next(iter(datasets.Phishing()))
    scaled = pipeline["StandardScaler"].transform_one(x)
    assert pipeline["PerceptronClassifier"].debug_one(scaled) in pipeline.debug_one(x)


def test_hashing_and_interactions_survive_a_clone() -> None:
    model = PerceptronRegressor(hash_bits=12, interactions=[("a", "b")]).clone()
    model.learn_one({"a": 1.0, "b": 2.0}, 3.0)
    assert model._model.config["hash_bits"] == 12
    assert len(model._model.inputs({"a": 1.0, "b": 2.0})) == 3
    assert PerceptronRegressor(interactions=()).clone().interactions is None

"""The estimators are river's in every respect that river checks."""

from __future__ import annotations

import copy
import pickle
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from river import base, checks, datasets, evaluate, metrics, model_selection, preprocessing, utils

from perceptron_core import Perceptron, SampleRejected
from perceptron_core.estimators import PerceptronClassifier, PerceptronRegressor

ESTIMATORS: list[Any] = [
    PerceptronClassifier(),
    PerceptronClassifier(scale=True, l2=0.1),
    PerceptronClassifier(loss="squared", intercept_learning_rate=0.5),
    PerceptronRegressor(intercept_learning_rate=0.1),
    PerceptronRegressor(scale=True),
    preprocessing.StandardScaler() | PerceptronClassifier(),
    preprocessing.StandardScaler() | PerceptronRegressor(),
]


def all_checks() -> Iterator[Any]:
    for number, estimator in enumerate(ESTIMATORS):
        for check in checks.yield_checks(estimator):
            yield pytest.param(estimator, check, id=f"{number}-{check.__name__}")


@pytest.mark.parametrize(("estimator", "check"), list(all_checks()))
def test_passes_every_check_of_river(estimator: Any, check: Callable[[Any], None]) -> None:
    assert not estimator._unit_test_skips()
    check(estimator.clone())


def trained(estimator: Any) -> Any:
    for x, y in datasets.Phishing().take(100):
        estimator.learn_one(x, y)
    return estimator


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))])
def test_a_copy_goes_on_by_itself(duplicate: Callable[[Any], Any]) -> None:
    original = trained(PerceptronClassifier(scale=True))
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


@pytest.mark.parametrize("estimator", [PerceptronClassifier(scale=True), PerceptronRegressor(scale=True)])
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


@pytest.mark.parametrize("classes", [(False, True), (0, 1), (np.False_, np.True_), (0.0, 1.0)])
def test_classes_are_false_and_true_or_what_equals_them(classes: tuple[Any, Any]) -> None:
    model, expected = PerceptronClassifier(), PerceptronClassifier()
    for x, y in datasets.Phishing().take(50):
        model.learn_one(x, classes[y])
        expected.learn_one(x, y)
    assert model.weights == expected.weights
    assert model.predict_one(x) in classes


def test_other_classes_are_refused_as_river_refuses_them() -> None:
    with pytest.raises(ValueError, match="spam"):
        PerceptronClassifier().learn_one({"a": 1.0}, "spam")


def test_a_tie_is_false() -> None:
    assert PerceptronClassifier().predict_one({}) is False


def test_probabilities_need_an_activation_between_0_and_1() -> None:
    with pytest.raises(ValueError, match="sigmoid"):
        PerceptronClassifier(loss="squared", activation="identity")


def test_a_counter_is_a_dict_of_features() -> None:
    PerceptronClassifier().learn_one(Counter("hello"), True)


def test_what_river_would_be_spoiled_by_is_refused() -> None:
    model = trained(PerceptronClassifier())
    before = model.weights
    with pytest.raises(SampleRejected):
        model.learn_one({"https": float("nan")}, True)
    assert model.weights == before


def test_works_in_rivers_evaluation_and_selection() -> None:
    grid = utils.expand_param_grid(PerceptronClassifier(scale=True), {"learning_rate": [1e-4, 0.01, 0.03]})
    chosen = model_selection.SuccessiveHalvingClassifier(grid, metrics.Accuracy(), budget=1000)
    accuracy = evaluate.progressive_val_score(datasets.Phishing(), chosen, metrics.Accuracy())
    assert accuracy.get() > 0.88


def test_parameters_are_those_of_the_perceptron() -> None:
    names = set(Perceptron().config)
    for estimator in (PerceptronClassifier(), PerceptronRegressor()):
        assert set(estimator._get_params()) == names
        assert isinstance(estimator, base.Estimator)

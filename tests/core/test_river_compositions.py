"""The estimators wherever river takes one of its own; where both are plain SGD, with the same numbers."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from river import (
    bandit,
    compose,
    datasets,
    drift,
    ensemble,
    evaluate,
    feature_extraction,
    imblearn,
    linear_model,
    metrics,
    model_selection,
    multiclass,
    optim,
    preprocessing,
    stats,
    stream,
    utils,
)

from perceptron_core.estimators import PerceptronClassifier, PerceptronRegressor

Compose = Callable[[Any], Any]
RATE = 0.03


def our_classifier(rate: float = RATE) -> Any:
    return PerceptronClassifier(learning_rate=rate)


def their_classifier(rate: float = RATE) -> Any:
    return linear_model.LogisticRegression(optim.SGD(rate), intercept_lr=rate)


def our_regressor(rate: float = RATE) -> Any:
    return PerceptronRegressor(learning_rate=rate)


def their_regressor(rate: float = RATE) -> Any:
    return linear_model.LinearRegression(optim.SGD(rate), intercept_lr=rate)


def scaled(model: Any) -> Any:
    return preprocessing.StandardScaler() | model


def several(make: Callable[[float], Any]) -> list[Any]:
    return [scaled(make(rate)) for rate in (0.001, 0.01, 0.1)]


def of_features(model: Any) -> Any:
    chosen = compose.Select("https", "is_popular") | preprocessing.StandardScaler()
    others = compose.Discard("https", "is_popular") | preprocessing.MinMaxScaler()
    return (chosen + others) | model


CLASSIFIERS: dict[str, Callable[[Callable[[float], Any]], Any]] = {
    "|": lambda make: scaled(make(RATE)),
    "+": lambda make: of_features(make(RATE)),
    "Bagging": lambda make: ensemble.BaggingClassifier(scaled(make(RATE)), 3, seed=1),
    "ADWINBagging": lambda make: ensemble.ADWINBaggingClassifier(scaled(make(RATE)), 3, seed=1),
    "LeveragingBagging": lambda make: ensemble.LeveragingBaggingClassifier(scaled(make(RATE)), 3, seed=1),
    "AdaBoost": lambda make: ensemble.AdaBoostClassifier(scaled(make(RATE)), 3, seed=1),
    "Voting": lambda make: ensemble.VotingClassifier(several(make)),
    "Stacking": lambda make: ensemble.StackingClassifier(several(make), make(RATE)),
    "Bandit": lambda make: model_selection.BanditClassifier(
        several(make), metrics.Accuracy(), bandit.EpsilonGreedy(0.1, seed=1)
    ),
    "SuccessiveHalving": lambda make: model_selection.SuccessiveHalvingClassifier(
        several(make), metrics.Accuracy(), budget=1000
    ),
    "UnderSampler": lambda make: imblearn.RandomUnderSampler(
        scaled(make(RATE)), {False: 0.5, True: 0.5}, seed=1
    ),
    "OverSampler": lambda make: imblearn.RandomOverSampler(
        scaled(make(RATE)), {False: 0.5, True: 0.5}, seed=1
    ),
    "Sampler": lambda make: imblearn.RandomSampler(
        scaled(make(RATE)), {False: 0.3, True: 0.7}, sampling_rate=0.8, seed=1
    ),
    "HardSampling": lambda make: imblearn.HardSamplingClassifier(
        scaled(make(RATE)), size=20, p=0.3, loss=optim.losses.Log(), seed=1
    ),
    "DriftRetraining": lambda make: drift.DriftRetrainingClassifier(scaled(make(RATE)), drift.binary.DDM()),
}
REGRESSORS: dict[str, Callable[[Callable[[float], Any]], Any]] = {
    "|": lambda make: scaled(make(RATE)),
    "TargetStandardScaler": lambda make: scaled(preprocessing.TargetStandardScaler(make(RATE))),
    "TargetMinMaxScaler": lambda make: scaled(preprocessing.TargetMinMaxScaler(make(RATE))),
    "Bagging": lambda make: ensemble.BaggingRegressor(scaled(make(RATE)), 3, seed=1),
    "EWA": lambda make: ensemble.EWARegressor(several(make), learning_rate=1e-4),
    "Greedy": lambda make: model_selection.GreedyRegressor(several(make), metrics.MAE()),
    "EpsilonGreedy": lambda make: model_selection.BanditRegressor(
        several(make), metrics.MAE(), bandit.EpsilonGreedy(0.1, seed=1)
    ),
    "UCB": lambda make: model_selection.BanditRegressor(
        several(make), metrics.MAE(), bandit.UCB(delta=1.0, seed=1)
    ),
    "SuccessiveHalving": lambda make: model_selection.SuccessiveHalvingRegressor(
        several(make), metrics.MAE(), budget=900
    ),
    "Chebyshev": lambda make: imblearn.ChebyshevOverSampler(scaled(make(0.001))),
    "HardSampling": lambda make: imblearn.HardSamplingRegressor(scaled(make(RATE)), size=20, p=0.3, seed=1),
}


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_classifiers_compose_as_rivers_own(name: str) -> None:
    ours, theirs = CLASSIFIERS[name](our_classifier), CLASSIFIERS[name](their_classifier)
    learned = metrics.Accuracy()
    for x, y in datasets.Phishing().take(600):
        learned.update(y, ours.predict_one(x))
        assert ours.predict_one(x) == theirs.predict_one(x)
        if name != "Voting":  # it has no probabilities
            p, q = (model.predict_proba_one(x).get(True, 0.0) for model in (ours, theirs))
            assert p == pytest.approx(q, rel=1e-9, abs=1e-9) or (math.isnan(q) and p == 0.5)
        ours.learn_one(x, y)
        theirs.learn_one(x, y)
    assert learned.get() > 0.75


@pytest.mark.parametrize("name", REGRESSORS)
def test_regressors_compose_as_rivers_own(name: str) -> None:
    ours, theirs = REGRESSORS[name](our_regressor), REGRESSORS[name](their_regressor)
    for x, y in datasets.TrumpApproval().take(600):
        assert ours.predict_one(x) == pytest.approx(theirs.predict_one(x), rel=1e-9, abs=1e-9)
        ours.learn_one(x, y)
        theirs.learn_one(x, y)
    assert ours.predict_one(x) != 0.0


@pytest.mark.parametrize("wrapper", [multiclass.OneVsRestClassifier, multiclass.OneVsOneClassifier])
def test_one_neuron_for_each_of_many_classes(wrapper: Any) -> None:
    ours, theirs = wrapper(scaled(our_classifier())), wrapper(scaled(their_classifier()))
    accuracy = metrics.Accuracy()
    for x, y in datasets.ImageSegments().take(700):
        assert ours.predict_one(x) == theirs.predict_one(x)
        accuracy.update(y, ours.predict_one(x))
        ours.learn_one(x, y)
        theirs.learn_one(x, y)
    assert accuracy.get() > 0.6


@pytest.mark.parametrize("name", [*CLASSIFIERS, "OneVsRest"])
def test_classifiers_compose_without_a_learning_rate(name: str) -> None:
    parts = {**CLASSIFIERS, "OneVsRest": lambda make: multiclass.OneVsRestClassifier(make(RATE))}
    model = parts[name](lambda _: PerceptronClassifier())
    assert evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy()).get() > 0.75


def test_words_are_features() -> None:
    lines = [("cheap pills now", True), ("see you at lunch", False), ("pills at lunch", True)] * 20
    ours, theirs = (feature_extraction.BagOfWords() | make() for make in (our_classifier, their_classifier))
    for text, y in lines:
        assert ours.predict_proba_one(text)[True] == pytest.approx(theirs.predict_proba_one(text)[True], 1e-9)
        ours.learn_one(text, y)
        theirs.learn_one(text, y)
    assert ours["PerceptronClassifier"].weights == pytest.approx(theirs["LogisticRegression"].weights, 1e-9)


def test_aggregated_features_reach_it() -> None:
    def model(make: Callable[[], Any]) -> Any:
        mean = feature_extraction.Agg("gallup", by=None, how=stats.Mean())
        return (compose.Select("gallup", "ipsos") + mean) | preprocessing.StandardScaler() | make()

    ours, theirs = model(our_regressor), model(their_regressor)
    for x, y in datasets.TrumpApproval().take(200):
        assert ours.predict_one(x) == pytest.approx(theirs.predict_one(x), rel=1e-9, abs=1e-9)
        ours.learn_one(x, y)
        theirs.learn_one(x, y)


@pytest.mark.parametrize("moment", [None, "late"])
def test_progressive_validation_gives_rivers_score(moment: str | None) -> None:
    late = {} if moment is None else {"moment": lambda x: x["n"], "delay": 10}
    scores = []
    for make in (our_classifier, their_classifier):
        dataset = [({**x, "n": n}, y) for n, (x, y) in enumerate(datasets.Phishing().take(400))]
        model = compose.Discard("n") | preprocessing.StandardScaler() | make()
        scores.append(evaluate.progressive_val_score(dataset, model, metrics.LogLoss(), **late).get())
    assert scores[0] == pytest.approx(scores[1], 1e-9)
    assert scores[0] < 0.6


def test_progressive_validation_can_be_watched() -> None:
    def steps(make: Callable[[], Any]) -> list[float]:
        watched = evaluate.iter_progressive_val_score(
            datasets.Phishing(), scaled(make()), metrics.LogLoss(), step=250
        )
        return [step["LogLoss"].get() for step in watched]

    ours = steps(our_classifier)
    assert len(ours) == 5
    assert ours == pytest.approx(steps(their_classifier), 1e-9)


def test_a_grid_expands_to_models_of_their_own() -> None:
    grid = utils.expand_param_grid(
        scaled(our_classifier()), {"PerceptronClassifier": {"learning_rate": [0.01, "auto"], "l1": [0.0]}}
    )
    assert [model["PerceptronClassifier"].learning_rate for model in grid] == [0.01, "auto"]
    chosen = model_selection.SuccessiveHalvingClassifier(grid, metrics.Accuracy(), budget=1000)
    assert evaluate.progressive_val_score(datasets.Phishing(), chosen, metrics.Accuracy()).get() > 0.85


def test_a_pipeline_mutates_its_neuron() -> None:
    pipeline = scaled(our_classifier())
    for x, y in stream.shuffle(datasets.Phishing().take(100), 100, seed=1):
        pipeline.learn_one(x, y)
    weights = pipeline["PerceptronClassifier"].weights
    pipeline.mutate({"PerceptronClassifier": {"learning_rate": 0.5}})
    assert pipeline["PerceptronClassifier"].learning_rate == 0.5
    assert pipeline["PerceptronClassifier"].weights == weights

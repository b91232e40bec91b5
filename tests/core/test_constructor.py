"""Parameters outside their range are refused, by name and with what was expected."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest

from perceptron_core import Perceptron


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"loss": "cauchy"}, "loss 'cauchy' is not known; it is one of log, squared"),
        ({"loss": ["log"]}, "is not known; it is one of log, squared"),
        ({"loss": None}, "loss None is not known"),
        ({"activation": "relu"}, "activation 'relu' is not known; it is one of identity, step, sigmoid"),
        ({"activation": "identity"}, "loss 'log' needs activation sigmoid, not 'identity'"),
        ({"activation": "step"}, "loss 'log' needs activation sigmoid, not 'step'"),
        ({"optimizer": "adam2"}, "optimizer 'adam2' is not known; it is one of sgd"),
        ({"learning_rate": 0.0}, "learning_rate is 0.0; a finite number > 0 was expected"),
        ({"learning_rate": -1}, "learning_rate is -1; a finite number > 0"),
        ({"learning_rate": math.nan}, "learning_rate is nan"),
        ({"learning_rate": math.inf}, "learning_rate is inf"),
        ({"learning_rate": "0.1"}, "learning_rate '0.1' is not known; it is one of auto, ladder"),
        ({"learning_rate": None}, "learning_rate is None"),
        ({"l2": -0.1}, "l2 is -0.1; a finite number ≥ 0 was expected"),
        ({"l2": math.inf}, "l2 is inf"),
        ({"intercept_learning_rate": -0.1}, "intercept_learning_rate is -0.1; a finite number ≥ 0"),
        ({"intercept_learning_rate": "x"}, "intercept_learning_rate is 'x'"),
        ({"max_features": 0}, "max_features is 0; a finite number ≥ 1"),
        ({"max_features": 1.5}, "max_features is 1.5; a whole number was expected"),
        ({"max_features": 10**30}, "max_features is 1"),
        ({"max_features": 10**400}, "max_features is 1"),
        ({"scale": "no"}, "scale is 'no'; True, False or one of none, standard, minmax, robust"),
        ({"scale": None}, "scale is None"),
        ({"l1": -1.0}, "l1 is -1.0; a finite number ≥ 0 was expected"),
        ({"clip_gradient": 0.0}, "clip_gradient is 0.0; a finite number > 0 was expected"),
        ({"learning_rate": "auto", "l2": 0.1}, "l2 is 0.1, which learning_rate 'auto' does without"),
        (
            {"learning_rate": "ladder", "optimizer": "adam"},
            "optimizer is 'adam', which learning_rate 'ladder'",
        ),
        ({"schedule": "cosine"}, "schedule 'cosine' is not known; it is one of constant, inverse"),
        ({"options": {"rho": 0.9}}, "option 'rho' is none of loss 'log', optimizer 'sgd'"),
        ({"optimizer": "adam", "options": {"beta_1": 1.0}}, "beta_1 is 1.0; a finite number ≥ 0 and ≤ 1"),
    ],
)
def test_a_bad_parameter_is_a_value_error(parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Perceptron(**parameters)


def test_the_step_warns_that_nothing_is_learned() -> None:
    with pytest.warns(UserWarning, match="nothing is learned"):
        Perceptron(loss="squared", activation="step")


@pytest.mark.parametrize(("loss", "activation"), [("log", "sigmoid"), ("squared", "identity")])
def test_the_activation_is_the_losss_own_by_default(loss: str, activation: str) -> None:
    assert Perceptron(loss).config["activation"] == activation


def test_numbers_of_numpy_will_do() -> None:
    model = Perceptron(learning_rate=np.float32(0.5), max_features=np.int64(5), scale=np.True_)
    model.learn_one({"a": 1.0}, 1)
    assert model.bias == 0.25


def test_the_bias_stands_still_at_rate_0() -> None:
    model = Perceptron(intercept_learning_rate=0.0)
    model.learn_one({"a": "x"}, 1)
    assert model.bias == 0.0
    assert model.weights["a=x"] > 0.0


def test_repr_makes_an_equal_model() -> None:
    model = Perceptron(loss="squared", activation="sigmoid", l2=0.25, scale=False)
    assert eval(repr(model)).config == model.config

"""Parts by name: all of them can be made, what does not fit is refused with what would."""

from __future__ import annotations

from typing import Any

import pytest

from perceptron_core import Perceptron, registry
from perceptron_core.registry import LOSSES, OPTIMIZERS, SCHEDULES
from tests.core.runs import models
from tests.core.samples import feed, mixed, state

STREAM = mixed(60, seed=6)
DEFAULTS = {
    "delta": 1.0,
    "tau": 0.5,
    "epsilon": 0.1,
    "rho": 0.9,
    "start": 0,
    "eps": 1e-8,
    "beta_1": 0.9,
    "beta_2": 0.999,
    "beta": 1.0,
    "caution": 100.0,
    "power": 0.5,
    "half_life": 10_000.0,
    "floor": 0.01,
    "decay": 1e-4,
}


OPTIONS = [
    pytest.param({kind: name}, option, bounds, id=f"{name}-{option}")
    for kind, parts in (("loss", LOSSES), ("optimizer", OPTIMIZERS), ("schedule", SCHEDULES))
    for name, part in parts.items()
    for option, bounds in part.options.items()
]


@pytest.mark.filterwarnings("ignore:the binary step is flat")
@pytest.mark.parametrize("parts", models(), ids=str)
def test_every_part_learns_and_rolls_back(parts: dict[str, Any]) -> None:
    model = Perceptron(**parts)
    feed(model, STREAM[:30])
    model.commit()
    before = state(model)
    predictions = feed(model, STREAM[30:])
    after = state(model)
    assert model.version == sum(y is not None for _, y, _ in STREAM)
    assert model.learns_nothing or after[1:] != before[1:]
    model.rollback()
    assert state(model) == before
    assert feed(model, STREAM[30:]) == predictions
    assert state(model) == after


@pytest.mark.parametrize(("part", "option", "bounds"), OPTIONS)
def test_an_option_has_its_default_and_changes_what_is_learned(
    part: dict[str, str], option: str, bounds: dict[str, float]
) -> None:
    rho = 0.95 if part.get("optimizer") == "adadelta" else 0.9
    default = rho if option == "rho" else DEFAULTS[option]
    models = [
        Perceptron(learning_rate=0.1, **part, options=options)
        for options in ({}, {option: default}, {option: {"start": 3, "half_life": 5.0}.get(option, 0.7)})
    ]
    if option == "floor":  # reached soon
        models = [
            model.with_parameters(options={**model.config["options"], "half_life": 1.0}) for model in models
        ]
    implied, stated, other = ([feed(model, STREAM * 2), model.weights] for model in models)
    assert implied == stated
    assert implied != other


@pytest.mark.parametrize(("part", "option", "bounds"), OPTIONS)
def test_an_option_out_of_range_is_refused_by_name(
    part: dict[str, str], option: str, bounds: dict[str, float]
) -> None:
    beyond = bounds.get("at_most", 0.0) * 1.01
    outside = {"above": 0.0, "at_least": -1e-9, "at_most": beyond, "whole": 1.5}
    for bound in bounds:
        with pytest.raises(ValueError, match=rf"^{option} is .* was expected$"):
            Perceptron(**part, options={option: outside[bound]})
    for value in (float("nan"), float("inf"), "1", None):
        with pytest.raises(ValueError, match=rf"^{option} is {value!r}; a finite number"):
            Perceptron(**part, options={option: value})


def test_an_option_of_another_part_is_refused_with_those_that_fit() -> None:
    expected = r"'tau' is none of loss 'huber', .* they take delta, beta_1, beta_2, eps, power$"
    with pytest.raises(ValueError, match=expected):
        Perceptron("huber", optimizer="adam", schedule="inverse", options={"tau": 0.5})
    with pytest.raises(ValueError, match=r"they take none$"):
        Perceptron(options={"tau": 0.5})


@pytest.mark.parametrize("loss", LOSSES)
def test_a_loss_refuses_activations_that_are_not_its_own(loss: str) -> None:
    for activation in set(registry.ACTIVATIONS) - set(LOSSES[loss].activations):
        with pytest.raises(ValueError, match=f"loss '{loss}' needs activation .*, not '{activation}'"):
            Perceptron(loss, activation)


def test_the_range_of_targets_is_that_of_predictions_or_classes() -> None:
    assert registry.target_range("squared", "tanh") == (-1.0, 1.0)
    assert registry.target_range("hinge", "identity") == (0.0, 1.0)
    assert registry.target_range("poisson", "exp") == (0.0, float("inf"))
    for loss, label in [("poisson", -1.0), ("hinge", -1.0), ("log", 1.5)]:
        with pytest.raises(ValueError, match="label is"):
            Perceptron(loss).learn_one({}, label)

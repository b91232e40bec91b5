"""From the parameters of a Perceptron to its neuron: checked, then put together."""

from __future__ import annotations

from typing import Any

import numpy as np

from perceptron_core import kernel, registry
from perceptron_core.checks import check_known, check_range


def check_config(config: dict[str, Any]) -> None:
    """Raise ValueError unless the parameters are known, in range, and fit together."""
    registry.check_pair(config["loss"], config["activation"])
    check_known("optimizer", config["optimizer"], registry.OPTIMIZERS)
    check_known("schedule", config["schedule"], registry.SCHEDULES)
    registry.check_options(config["options"], config["loss"], config["optimizer"], config["schedule"])
    _check_rate(config)
    check_range("l1", config["l1"], at_least=0.0)
    check_range("l2", config["l2"], at_least=0.0)
    check_range("clip_gradient", config["clip_gradient"], above=0.0)
    if config["intercept_learning_rate"] is not None:
        check_range("intercept_learning_rate", config["intercept_learning_rate"], at_least=0.0)
    check_range("max_features", config["max_features"], at_least=1, at_most=2**62, whole=True)
    _check_scale(config["scale"])


def _check_rate(config: dict[str, Any]) -> None:
    """Raise ValueError unless the learning rate is a number > 0, or a text that goes with the rest."""
    rate = config["learning_rate"]
    if not isinstance(rate, str):
        return check_range("learning_rate", rate, above=0.0)
    check_known("learning_rate", rate, registry.WITHOUT_RATE)
    others = {"optimizer": "sgd", "schedule": "constant", "l1": 0.0, "l2": 0.0}
    others |= {"intercept_learning_rate": None, "clip_gradient": kernel.GRADIENT_LIMIT}
    for name, default in others.items():
        if config[name] != default:
            raise ValueError(
                f"{name} is {config[name]!r}, which learning_rate {rate!r} does without; "
                f"give learning_rate a number, or leave {name} at {default!r}"
            )
    return None


def _check_scale(scale: object) -> None:
    """Raise ValueError unless this says how to scale."""
    if not isinstance(scale, bool | np.bool_) and scale not in registry.SCALERS:
        names = ", ".join(registry.SCALERS)
        raise ValueError(f"scale is {scale!r}; True, False or one of {names} was expected")


def assemble(
    config: dict[str, Any], activation: kernel.Activation, targets: tuple[float, float]
) -> kernel.Neuron:
    """Return an untrained neuron of checked parameters."""
    options = config["options"]
    loss = registry.make_loss(config["loss"], options, config["activation"])
    optimizer = _optimizer(config)
    scale = config["scale"]
    own = "robust" if isinstance(config["learning_rate"], str) else "standard"
    name = scale if isinstance(scale, str) else own if scale else "none"
    scaler = registry.SCALERS[name](1 + optimizer.columns)
    return kernel.Neuron(activation, loss, optimizer, scaler, int(config["max_features"]), targets)


def _optimizer(config: dict[str, Any]) -> kernel.Optimizer:
    """Return the optimizer of checked parameters."""
    rate, options = config["learning_rate"], config["options"]
    if isinstance(rate, str):
        return registry.make_without_rate(rate, config["loss"], config["activation"])
    schedule = registry.make_schedule(config["schedule"], rate, options)
    common = (config["intercept_learning_rate"], config["l1"], config["l2"], config["clip_gradient"])
    return registry.make_optimizer(config["optimizer"], schedule, *common, options)

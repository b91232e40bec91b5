"""The compiled kernel and the interpreted one are one source: the same numbers, to the bit."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import perceptron_core
from perceptron_core import Perceptron, kernel, metrics, perceptron
from tests.core.samples import REFUSED, mixed, state

PACKAGE = Path(perceptron_core.__file__).parent


def interpreted(name: str) -> ModuleType:
    """Load a module of the core from its source, under another name."""
    spec = importlib.util.spec_from_file_location(f"interpreted_{name}", PACKAGE / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def _compiled() -> None:
    """Skip where nothing is compiled; in CI with a compiler at hand that is a failure."""
    if not all(module.__file__.endswith(".py") for module in (kernel, metrics)):
        return
    message = "the kernel is not compiled: there is nothing to compare"
    if os.environ.get("CI", "").lower() in ("true", "1") and shutil.which("gcc"):
        pytest.fail(message)
    pytest.skip(message)


def interpreted_perceptron(monkeypatch: pytest.MonkeyPatch, **parameters: Any) -> Perceptron:
    """Return a Perceptron over the interpreted kernel."""
    source = interpreted("kernel")
    with monkeypatch.context() as patch:
        patch.setattr(perceptron, "kernel", source)
        activations = {name: getattr(source, make.__name__) for name, make in perceptron.ACTIVATIONS.items()}
        losses = {
            name: (getattr(source, make.__name__), *rest) for name, (make, *rest) in perceptron.LOSSES.items()
        }
        patch.setattr(perceptron, "ACTIVATIONS", activations)
        patch.setattr(perceptron, "LOSSES", losses)
        model = Perceptron(**parameters)
    assert type(model._neuron).__module__ == "interpreted_kernel"
    return model


@pytest.mark.parametrize(
    ("loss", "activation"), [("log", "sigmoid"), ("squared", "sigmoid"), ("squared", "identity")]
)
@pytest.mark.parametrize("scale", [True, False])
def test_compiled_is_interpreted_to_the_bit(
    monkeypatch: pytest.MonkeyPatch, loss: str, activation: str, scale: bool
) -> None:
    parameters: dict[str, Any] = {"loss": loss, "activation": activation, "scale": scale, "l2": 0.01}
    parameters |= {"learning_rate": 0.07, "max_features": 300}
    compiled, plain = Perceptron(**parameters), interpreted_perceptron(monkeypatch, **parameters)
    stream = mixed(1500, seed=8, names=280)
    bad = [(x, 1.0, 1.0) for x, _ in REFUSED.values()]
    odd = [({"f0": x, "f1": -x}, 1.0, 1e308) for x in (1e308, 1e100, 5e-324, 1e-160)]
    for part in (stream[:700], bad, odd, stream[700:]):
        columns = [list(column) for column in zip(*part, strict=True)]
        refused: tuple[list[Any], list[Any]] = ([], [])
        first = compiled.predict_learn_many(*columns, rejections=refused[0])
        second = plain.predict_learn_many(*columns, rejections=refused[1])
        assert first.tobytes() == second.tobytes()
        assert refused[0] == refused[1]
        assert state(compiled) == state(plain)


@pytest.mark.parametrize("name", ["BinaryMetrics", "RegressionMetrics"])
def test_compiled_metrics_are_interpreted_to_the_bit(name: str) -> None:
    random_ = np.random.default_rng(3)
    labels = np.where(random_.random(999) < 0.1, np.nan, (random_.random(999) > 0.4).astype(float))
    predictions = np.where(random_.random(999) < 0.1, np.nan, random_.random(999))
    compiled, plain = getattr(metrics, name)(), getattr(interpreted("metrics"), name)()
    compiled.update(labels, predictions)
    plain.update(labels, predictions)
    assert compiled.state() == plain.state()
    assert compiled.values() == plain.values()
    assert {type(number) for number in plain.state()} == {float}

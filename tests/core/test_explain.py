"""One sample, explained: what is told is what the model then does, to the bit."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perceptron_core import Perceptron, SampleRejected, kernel, registry
from perceptron_core.explain import explain, neuron
from perceptron_core.explain_text import ACTIVATIONS, LOSSES
from tests.core.samples import features, state, streams, weights

PAIRS = [
    (loss, activation)
    for loss, part in registry.LOSSES.items()
    for activation in part.activations
    if not registry.learns_nothing(loss, activation)
]


def model_weights(model: Perceptron) -> dict[Any, float]:
    """Return the weights by identity: display names may coincide."""
    return dict(zip(model.names(0), model._neuron.weights().tolist(), strict=True))


@given(
    pair=st.sampled_from(PAIRS),
    stream=streams,
    x=features,
    y=st.sampled_from([0.0, 1.0]),
    weight=weights,
    scale=st.sampled_from([True, False, "minmax"]),
    rates=st.sampled_from([(0.1, None, 0.0), (0.01, 0.3, 0.2), (0.1, 0.0, 0.0)]),
    schedule=st.sampled_from(["constant", "inverse"]),
)
def test_the_new_weights_are_those_that_learning_gives(
    pair: tuple[str, str],
    stream: Any,
    x: dict[Any, Any],
    y: float,
    weight: float,
    scale: Any,
    rates: tuple[float, float | None, float],
    schedule: str,
) -> None:
    rate, bias_rate, l2 = rates
    made: dict[str, Any] = {"learning_rate": rate, "intercept_learning_rate": bias_rate, "l2": l2}
    model = Perceptron(*pair, scale=scale, schedule=schedule, **made)
    model.predict_learn_many([x for x, _, _ in stream], [y for _, y, _ in stream], None, [])
    before, predicted = state(model), model.predict_one(x)
    try:
        told = explain(model, x, y, weight)
    except SampleRejected:
        with pytest.raises(SampleRejected):
            model.learn_one(x, y, weight)
        return
    assert state(model) == before
    assert told.y_hat_before == predicted
    assert told.is_plain
    model.learn_one(x, y, weight)
    learned = model_weights(model)
    assert told.bias == model.bias
    assert [term.w_new for term in told.terms[1:]] == [
        learned[entry] for entry, _, _ in model._neuron.inputs(x)
    ]


@given(
    pair=st.sampled_from(PAIRS),
    x=features,
    y=st.sampled_from([0.0, 1.0]),
    w=st.floats(-2, 2),
    b=st.floats(-2, 2),
)
def test_the_forward_pass_is_the_models(
    pair: tuple[str, str], x: dict[Any, Any], y: float, w: float, b: float
) -> None:
    small = {name: value / 100 if isinstance(value, float | int) else value for name, value in x.items()}
    model = neuron(
        {name: w for name in x if not isinstance(x[name], str)}, b, small, loss=pair[0], activation=pair[1]
    )
    told = explain(model, small, y)
    assert (told.z, told.y_hat) == (model.score_one(small), model.predict_one(small))
    assert told.z == pytest.approx(sum(term.wx for term in told.terms), abs=1e-12)
    assert told.dL_dz == pytest.approx(told.dL_dy_hat * told.dy_hat_dz, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("optimizer", [name for name in registry.OPTIMIZERS if name != "sgd"])
def test_another_optimizer_is_named_and_its_weights_are_the_real_ones(optimizer: str) -> None:
    model = Perceptron(optimizer=optimizer, learning_rate=0.1, scale=False)
    model.predict_learn_many([{"a": 1.0, "b": 2.0}, {"a": -1.0}, {"b": 0.5}], [1, 0, 1])
    told = explain(model, {"a": 0.5, "b": 3.0}, 0)
    model.learn_one({"a": 0.5, "b": 3.0}, 0)
    assert (told.weights, told.bias) == (model.weights, model.bias)
    assert told.is_plain or f"the step is that of {optimizer!r}" in told.text()


def test_what_plain_descent_does_not_do_is_not_called_plain() -> None:
    for made in ({"optimizer": "adagrad"}, {"optimizer": "sgd", "l1": 0.1}):
        model = Perceptron(learning_rate=0.1, scale=False, **made)  # type: ignore[arg-type]
        model.learn_one({"a": 1.0}, 1)
        assert not explain(model, {"a": 0.5}, 0).is_plain


def test_a_clipped_gradient_is_told_as_it_is_used() -> None:
    model = Perceptron(loss="squared", scale=False, clip_gradient=1.0, learning_rate=0.5)
    told = explain(model, {"a": 2.0}, 10.0)
    assert (told.dL_dz, told.terms[1].dL_dw, told.weights) == (-20.0, -2.0, {"a": 1.0})
    assert "clipped to ± 1" in told.text()


def test_the_articles_neuron_by_hand() -> None:
    made: dict[str, Any] = {"loss": "squared", "activation": "sigmoid", "learning_rate": 0.5}
    model = neuron({"x1": 1.0, "x2": -1.0}, 0.5, {"x1": 0.5, "x2": 1.0}, **made)
    told = explain(model, {"x1": 0.5, "x2": 1.0}, 1)  # z = 0.5 − 1 + 0.5 = 0
    assert (told.z, told.y_hat, told.L) == (0.0, 0.5, 0.25)
    assert (told.dL_dy_hat, told.dy_hat_dz, told.dL_dz) == (-1.0, 0.25, -0.25)
    assert [term.dL_dw for term in told.terms] == [-0.25, -0.125, -0.25]
    assert (told.bias, told.weights) == (0.625, {"x1": 1.0625, "x2": -0.875})


def test_the_penalty_and_the_weight_are_told() -> None:
    model = neuron({"a": 2.0}, 0.0, {"a": 1.0}, loss="squared", l2=0.5, learning_rate=0.1)
    told = explain(model, {"a": 1.0}, 1.0, 3.0)
    assert (told.terms[1].dL_dw, told.terms[1].l2_w) == (6.0, 1.0)
    assert "∂L/∂w(a) = v · ∂L/∂z · x = 3 · 2 · 1 = 6" in told.text()
    assert "w(a) ← w − α (∂L/∂w + λw) = 2 − 0.1 · (6 + 1) = 1.3" in told.text()


def test_scaled_inputs_are_told_beside_what_came() -> None:
    model = Perceptron()
    model.predict_learn_many([{"a": 1.0}, {"a": 3.0}], [0, 1])
    told = explain(model, {"a": 5.0}, 1)
    assert (told.terms[1].x, told.terms[1].x_scaled) == (5.0, pytest.approx(2 / (8 / 3) ** 0.5))
    assert "scaled from x = 5" in told.text()


def test_all_values_are_told_as_data_and_as_a_table() -> None:
    told = explain(Perceptron(scale=False), {"a": 2, "country": "FR", "gone": None, "vip": True}, 1)
    data = json.loads(json.dumps(told.to_dict()))
    assert (data["z"], data["y_hat"], data["dL_dz"], data["learning_rate"]) == (0.0, 0.5, -0.5, 0.01)
    assert [term["feature"] for term in data["terms"]] == ["(bias)", "a", "country=FR", "vip"]
    rows = told.table()
    assert list(rows[0]) == ["feature", "x", "x̃", "w", "w·x̃", "∂z/∂w", "∂L/∂w", "λw", "new w"]
    assert [row["∂L/∂w"] for row in rows] == [-0.5, -1.0, -0.5, -0.5]


def test_every_loss_and_activation_is_told_in_symbols() -> None:
    assert LOSSES.keys() == registry.LOSSES.keys()
    assert ACTIVATIONS.keys() == registry.ACTIVATIONS.keys()


def test_a_loss_of_the_score_leaves_the_activation_out_of_the_chain() -> None:
    text = explain(Perceptron(loss="hinge", scale=False), {"a": 1.0}, 1).text()
    assert "∂L/∂z = −s where sz ≤ 1, else 0 = -1, as L is of z itself" in text
    assert "∂ŷ/∂z" not in text


def test_a_neuron_of_given_weights_has_them_whatever_their_feature_is() -> None:
    x = {"a": 1.5, "a=x": 2.0, "c": "FR", "gone": None, **{f"n{j}": 1.0 for j in range(300)}}
    model = neuron({"c=FR": 0.5, "n299": -1.0, "gone": 3.0}, 0.25, x)
    assert (model.bias, model.weights["c=FR"], model.weights["n299"], model.weights["a"]) == (
        0.25,
        0.5,
        -1.0,
        0.0,
    )
    assert model.version == 0
    assert len(model.weights) == 303
    assert kernel.BLOCK < 303


@pytest.mark.parametrize(
    ("weights", "x", "told"),
    [
        ({"z": 1.0}, {"a": 1.0}, "weight 'z' is of no feature of the sample"),
        ({}, {"a": [1]}, "feature 'a' is of type list"),
        ({"a": float("nan")}, {"a": 1.0}, "finite"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weights: dict[str, float], x: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        neuron(weights, 0.0, x)


@pytest.mark.parametrize(("label", "weight"), [(2, 1.0), (0.5, -1.0), (float("nan"), 1.0)])
def test_a_label_or_a_weight_out_of_range_is_refused(label: float, weight: float) -> None:
    with pytest.raises(ValueError, match=r"label|weight"):
        explain(Perceptron(), {"a": 1.0}, label, weight)


@pytest.mark.parametrize("rate", ["auto", "ladder"])
def test_weights_are_given_to_one_neuron_only(rate: str) -> None:
    with pytest.raises(ValueError, match="give learning_rate a number"):
        neuron({"a": 1.0}, 0.0, {"a": 1}, learning_rate=rate)

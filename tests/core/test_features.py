"""What counts as a feature, and what its value is."""

from __future__ import annotations

from typing import Any

import pytest

from perceptron_core import Perceptron
from tests.core.samples import state


def learned(*xs: dict[Any, Any], **parameters: Any) -> Perceptron:
    model = Perceptron(**{"learning_rate": 0.5, **parameters})
    for number, x in enumerate(xs):
        model.learn_one(x, (number + 1) % 2)
    return model


def test_a_number_named_like_a_text_is_another_feature() -> None:
    model = learned({"a=b": 1.0}, {"a": "b"}, scale=False)
    assert model.names(0) == [("a=b",), ("a", "b")]
    assert model.predict_one({"a=b": 1.0}) != model.predict_one({"a": "b"})


def test_equal_display_names_of_texts_are_other_features() -> None:
    assert learned({"a": "b=c"}, {"a=b": "c"}).names(0) == [("a", "b=c"), ("a=b", "c")]


def test_a_name_may_be_number_and_text_in_turn() -> None:
    assert learned({"a": 1}, {"a": "1"}, {"a": ""}).names(0) == [("a",), ("a", "1"), ("a", "")]


def test_text_is_never_scaled() -> None:
    model = learned(*[{"a": "x"}] * 5, scale=True)
    plain = learned(*[{"a": "x"}] * 5, scale=False)
    assert model.weights == plain.weights != {"a=x": 0.0}


def test_a_number_that_never_varies_scales_to_0() -> None:
    assert learned(*[{"a": 7.0}] * 5, scale=True).weights == {"a": 0.0}


def test_null_takes_no_part() -> None:
    assert state(learned({"a": None, "b": 2.0}, {"b": 1.0, "c": None})) == state(
        learned({"b": 2.0}, {"b": 1.0})
    )


def test_booleans_are_1_and_0() -> None:
    assert state(learned({"a": True}, {"a": False}, {"a": True})) == state(
        learned({"a": 1}, {"a": 0}, {"a": 1.0})
    )


def test_no_features_leave_the_bias() -> None:
    model = learned({}, {}, {})
    assert model.weights == {}
    assert model.bias != 0.0


def test_a_zero_is_a_value_and_a_gap_is_none() -> None:
    with_zero, with_gap = (learned({"a": 4.0}, x, {"a": 2.0}, scale=True) for x in ({"a": 0.0}, {}))
    assert with_zero.weights != with_gap.weights


def test_an_unseen_feature_starts_at_weight_0() -> None:
    model = learned({"a": 1.0}, {"a": 3.0})
    assert model.predict_one({"a": 2.0, "new": 100.0}) == model.predict_one({"a": 2.0})


@pytest.mark.parametrize("scale", [True, False])
def test_features_may_fill_several_blocks_at_any_time(scale: bool) -> None:
    model = Perceptron(scale=scale)
    for start in range(0, 700, 7):
        model.learn_one({f"n{i}": float(i % 5) for i in range(start + 7)}, start % 2)
    assert model.n_features == 700
    assert [len(model.names(block)) for block in range(3)] == [256, 256, 188]
    width = 5 if scale else 1
    assert [len(model.block(block)) for block in range(3)] == [
        256 * width * 8,
        256 * width * 8,
        188 * width * 8,
    ]
    assert list(model.weights) == [f"n{i}" for i in range(700)]


def test_a_name_of_256_bytes_is_the_longest() -> None:
    model = learned({"é" * 128: 1.0, "b" * 250: "x" * 5})
    assert model.n_features == 2

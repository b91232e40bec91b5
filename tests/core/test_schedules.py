"""Schedules: the rates of the papers, and river's."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import optim

from perceptron_core import Perceptron
from perceptron_core.registry import SCHEDULES, make_schedule

times = st.integers(0, 2**62)


@pytest.mark.parametrize("name", SCHEDULES)
@given(rate=st.floats(1e-6, 1e3), t=times, later=times)
def test_a_rate_begins_at_alpha_and_never_grows(name: str, rate: float, t: int, later: int) -> None:
    schedule = make_schedule(name, rate)
    assert schedule.rate_at(0) == rate == schedule.rate
    t, later = sorted((t, later))
    assert 0.0 < schedule.rate_at(later) <= schedule.rate_at(t) <= rate


@pytest.mark.parametrize(
    ("name", "options", "t", "rate"),
    [
        ("constant", {}, 10**9, 0.5),
        ("inverse", {}, 3, 0.25),
        ("inverse", {"power": 1.0}, 4, 0.1),
        ("inverse", {"power": 0.0}, 4, 0.5),
        ("exponential", {"half_life": 10.0}, 10, 0.25),
        ("exponential", {"half_life": 10.0}, 20, 0.125),
        ("exponential", {"half_life": 10.0, "floor": 0.3}, 20, 0.15),
        ("exponential", {"half_life": 5e-324, "floor": 0.0}, 1, 0.0),
        ("exponential", {}, 10**12, 0.005),
        ("bottou", {"decay": 0.1}, 20, 0.25),
    ],
)
def test_a_rate_by_hand(name: str, options: dict[str, float], t: int, rate: float) -> None:
    assert make_schedule(name, 0.5, options).rate_at(t) == pytest.approx(rate, rel=1e-15, abs=0.0)


@given(t=st.integers(0, 10**9), rate=st.floats(1e-3, 10), power=st.floats(0, 2))
def test_inverse_scaling_is_rivers(t: int, rate: float, power: float) -> None:
    ours = make_schedule("inverse", rate, {"power": power})
    assert ours.rate_at(t) == optim.schedulers.InverseScaling(rate, power).get(t)


@given(t=st.integers(0, 10**9), alpha=st.floats(1e-6, 0.1))
def test_bottous_is_rivers_from_its_first_rate_on(t: int, alpha: float) -> None:
    theirs = optim.schedulers.Optimal(optim.losses.Log(), alpha)
    ours = make_schedule("bottou", theirs.get(0), {"decay": alpha})
    assert ours.rate_at(t) == pytest.approx(theirs.get(t), rel=1e-12)


@pytest.mark.parametrize(
    "parameters",
    [
        {"schedule": "inverse", "options": {"power": 0.7}},
        {"schedule": "exponential", "options": {"half_life": 3.0, "floor": 0.1}},
        {"schedule": "bottou", "options": {"decay": 0.2}},
    ],
)
def test_the_rate_of_a_step_counts_the_samples_learned(parameters: dict[str, Any]) -> None:
    model = Perceptron("squared", learning_rate=0.1, scale=False, **parameters)
    schedule = make_schedule(parameters["schedule"], 0.1, parameters["options"])
    for t in range(8):
        before = model.bias
        model.predict_one({})  # doesn't count
        model.learn_one({}, 1.0)
        assert model.bias == pytest.approx(before - schedule.rate_at(t) * 2 * (before - 1), rel=1e-14)


def test_the_schedule_goes_on_in_a_copy_and_after_a_rollback() -> None:
    model = Perceptron("squared", learning_rate=0.1, scale=False, schedule="inverse")
    for _ in range(5):
        model.learn_one({}, 1.0)
    model.commit()
    expected = model.bias - 0.1 / math.sqrt(6) * 2 * (model.bias - 1)
    model.learn_one({}, 1.0)
    model.rollback()
    twin = model.with_parameters()
    for one in (model, twin):
        one.learn_one({}, 1.0)
        assert one.bias == pytest.approx(expected, rel=1e-14)

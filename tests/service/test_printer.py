"""The printer of predictions writes the bytes that msgspec would."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service import codec
from service.codec import PredictionCodec
from service.settings import ModelSettings
from tests.compiled import require_compiled

MODELS = [
    ModelSettings(),
    ModelSettings(name="names", labels=('hä"m', "spam")),
    ModelSettings(task="regression"),
]


@pytest.fixture(autouse=True)
def _compiled() -> None:
    require_compiled("printer", codec.Printer is not None)


def agreed(model: ModelSettings, *columns: Any) -> list[bytes]:
    """Return the lines, which have to be those of msgspec."""
    made = PredictionCodec(model)
    lines = made._lines(*columns)
    assert lines == made._by_msgspec(*columns)
    return lines


_ids = (
    st.none()
    | st.text(max_size=6)
    | st.integers(-(2**63), 2**64 - 1)
    | st.sampled_from(['"', "\\", "\x7f", "é"])
)
_numbers = st.floats(allow_nan=False, allow_infinity=False)
_samples = st.tuples(
    _ids,
    _numbers | st.floats(0, 1) | st.integers(-9, 9).map(float),
    st.sampled_from([math.nan, 0.0, 1.0]) | _numbers,
    st.integers(0, 2**62),
)


@given(st.sampled_from(MODELS), st.lists(_samples, min_size=1, max_size=6), st.integers(0, 2**60))
@example(
    MODELS[0], [(None, 0.0, 1.0, 0), (None, 1.0, 0.0, 1), (None, 0.5, math.nan, 2), (7, 5e-324, 1.0, 3)], 0
)
@example(MODELS[2], [(None, x, -x, 0) for x in (1e15, 1e-5, 9.999999e-6, 1e16, -0.0, 123456.789, 1e22)], 9)
def test_lines_are_those_of_msgspec(model: ModelSettings, samples: list[Any], version: int) -> None:
    ids, predicted, labels, offsets = (list(column) for column in zip(*samples, strict=True))
    agreed(model, "a.topic", 3, offsets, ids, np.array(predicted), np.array(labels), version)


def test_each_line_names_the_version_that_made_it() -> None:
    labels = np.array([1.0, math.nan, 0.0])
    lines = agreed(
        MODELS[0], "samples", 0, [5, 6, 8], ["a", None, 2], np.array([0.25, 0.75, 1e-9]), labels, 41
    )
    assert lines == [
        b'{"id":"a","prediction":0,"probability":0.25,"label":1,"model":"phishing","version":41,'
        b'"topic":"samples","partition":0,"offset":5}',
        b'{"id":"samples-0-6","prediction":1,"probability":0.75,"label":null,"model":"phishing","version":42,'
        b'"topic":"samples","partition":0,"offset":6}',
        b'{"id":2,"prediction":0,"probability":1e-9,"label":0,"model":"phishing","version":42,'
        b'"topic":"samples","partition":0,"offset":8}',
    ]

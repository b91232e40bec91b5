"""The decoder: every rule of the wire format, and the law that its ways agree."""

from __future__ import annotations

import json
import math
import sys
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.careful import Careful, target_of
from service.records import MAX_DEPTH, Decoder, Samples, _short_way
from service.settings import Settings
from tests.as_seen import as_seen

BINARY = Settings()
TEXTS = Settings.model_validate({"model": {"labels": ["ham", "spam"]}})
REGRESSION = Settings.model_validate({"model": {"task": "regression"}})


def decode(*values: bytes | None, chosen: Settings = BINARY) -> Samples:
    samples = Decoder(chosen).decode(values)
    assert told(Decoder(chosen, may_be_rows=True).decode(values)) == told(samples)
    return samples


def told(samples: Samples) -> str:
    """Return samples in words, to the bit; how features were read is not told."""
    features = [as_seen(one) for one in samples.features]
    return repr((samples.rows, samples.ids, features, samples.labels, samples.weights, samples.rejections))


def reason(value: bytes | None, chosen: Settings = BINARY) -> str | None:
    samples = decode(value, chosen=chosen)
    return samples.rejections[0][1].reason if samples.rejections else None


def sample(**parts: Any) -> bytes:
    return json.dumps({"features": {"a": 1}, **parts}).encode()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "empty"),
        (b"", "not_json"),
        (b" ", "not_json"),
        (b"nonsense", "not_json"),
        (b'{"features": {}} {}', "not_json"),
        (b'\xef\xbb\xbf{"features": {}}', "not_json"),
        (b'{"features": {"a": Infinity}}', "not_json"),
        (b'{"features": {}, "unused": "\xff"}', "not_json"),
        (b'{"features": {"a": "\\ud800"}}', "not_json"),
        (b"null", "wrong_type"),
        (b"[]", "wrong_type"),
        (b"1", "wrong_type"),
        (b'{"features": 1}', "wrong_type"),
        (b'{"features": {"a": {}}}', "wrong_type"),
        (sample(id=True), "wrong_type"),
        (sample(id=1.5), "wrong_type"),
        (sample(id=[]), "wrong_type"),
        (b"{}", "missing_features"),
        (b'{"features": null}', "missing_features"),
        (sample(label=2), "bad_label"),
        (sample(label=0.5), "bad_label"),
        (sample(label="1"), "bad_label"),
        (sample(label=[]), "bad_label"),
        (sample(ground_truth="x"), "bad_label"),
        (sample(weight=-0.1), "bad_weight"),
        (sample(weight=None), "bad_weight"),
        (sample(weight=True), "bad_weight"),
        (sample(weight="1"), "bad_weight"),
        (b'{"features": {}, "weight": 1e999}', "not_finite"),
        (b'{"features": {}, "label": 1e999}', "not_finite"),
        (b'{"features": {"a": -1e999}}', "not_finite"),
        (sample(id="x" * 1025), "too_large"),
        (b'{"features": {}, "id": ' + b"9" * 1025 + b"}", "too_large"),
        (b'{"features": {}, "id": ' + b"9" * 5000 + b"}", "too_large"),
        (sample(note="x" * 1_000_000), "too_large"),
    ],
)
def test_reasons(value: bytes | None, expected: str) -> None:
    assert reason(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        b'{"features": {}}',
        b' \n{"features": {"a": null, "b": 1e-400, "c": -0}}\r\n',
        b'{"features": {}, "unused": 1e999}',
        b'{"features": {}, "unused": "\\ud800"}',
        b'{"features": {}, "unused": ' + b"[" * (MAX_DEPTH - 1) + b"]" * (MAX_DEPTH - 1) + b"}",
        b'{"features": {}, "unused": "' + b"[" * 5000 + b'"}',
        b'{"features": [], "features": {}}',
        sample(id="x" * 1024),
        sample(id=10**1000),
        sample(label=1, ground_truth=["unused"]),
        sample(label=None, id=None),
    ],
)
def test_what_is_accepted(value: bytes) -> None:
    assert reason(value) is None


def test_nesting_is_refused_at_a_fixed_depth() -> None:
    deep = b'{"features": {}, "unused": ' + b"[" * MAX_DEPTH + b"]" * MAX_DEPTH + b"}"
    assert reason(deep) == "not_json"


def test_a_poisoned_megabyte_is_judged_in_linear_time() -> None:
    assert reason(b'"\\' * 400_000) == "not_json"
    assert reason(b'[{"' * 300_000) == "not_json"


@pytest.mark.parametrize(
    ("chosen", "label", "target"),
    [
        (BINARY, True, 1.0), (BINARY, 0, 0.0), (BINARY, 1.0, 1.0), (BINARY, None, None),
        (TEXTS, "spam", 1.0), (TEXTS, "ham", 0.0), (TEXTS, False, 0.0),
        (REGRESSION, 3, 3.0), (REGRESSION, -2.5, -2.5),
    ],
)  # fmt: skip
def test_labels_become_targets(chosen: Settings, label: Any, target: float | None) -> None:
    (y,) = decode(sample(label=label), chosen=chosen).labels
    assert math.isnan(y) if target is None else y == target


def test_texts_replace_zero_and_one_and_regression_refuses_booleans() -> None:
    assert reason(sample(label=1), TEXTS) == "bad_label"
    assert reason(sample(label=True), REGRESSION) == "bad_label"


def test_label_beats_ground_truth_which_stands_in_for_it() -> None:
    assert decode(sample(label=0, ground_truth=1)).labels == [0.0]
    assert decode(sample(ground_truth=1)).labels == [1.0]
    renamed = Settings.model_validate({"fields": {"label": "y"}})
    assert math.isnan(decode(sample(ground_truth=1), chosen=renamed).labels[0])


def test_messages_name_the_json_path() -> None:
    samples = decode(b'{"features": {"a": 1, "b c": []}}', b'{"features": {"a": {}}}')
    assert [why.message.partition(":")[0] for _, why in samples.rejections] == [
        '$.features["b c"]',
        "$.features.a",
    ]


def test_records_around_a_broken_one_are_not_touched() -> None:
    samples = decode(sample(id=1), None, sample(id=2), b"\xff", sample(id=3))
    assert (samples.rows, samples.ids) == ([0, 2, 4], [1, 2, 3])
    assert [row for row, _ in samples.rejections] == [1, 3]


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
_values = st.recursive(
    _scalars,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
)
_samples = st.fixed_dictionaries(
    {},
    optional={
        "features": st.dictionaries(st.text(max_size=4), _scalars, max_size=4) | _values,
        "id": _values,
        "label": st.sampled_from([0, 1, True, False, 1.0, "ham", "spam"]) | _values,
        "ground_truth": _values,
        "weight": st.floats(0, 10) | _values,
        "other": _values,
    },
)


@given(_samples, st.sampled_from([BINARY, TEXTS, REGRESSION]))
def test_where_the_short_way_accepts_the_careful_way_agrees(record: dict[str, Any], chosen: Settings) -> None:
    value = json.dumps(record).encode("utf-8", "surrogatepass")
    target = target_of(chosen)
    try:
        short = _short_way(chosen).decode(value)
        label = target(short.ground_truth if short.label is None else short.label)
    except (msgspec.DecodeError, KeyError, OverflowError):  # the careful way decides
        return
    careful = Careful(chosen, target).decode(value)
    assert (careful.id, careful.features, careful.weight) == (short.id, short.features, short.weight)
    assert repr(target(careful.label)) == repr(label)


_pieces = st.sampled_from(
    [
        *(b"", b"{}", b'{"features": {}', b'{"features": {}}', b"}", b'"a": 1}', b" ", b"\n", None),
        *(b'{"features": {"a": 1}} {"features": {"a": 2}}', b'{"features": {"a": 1},\n"label": 1}'),
        *(
            b'{"features": {"a": "}\\n{"}}',
            b'{"features": {}, "other": "\xff"}',
            b'{"features": {}, "id": 7}',
        ),
    ]
)


@given(st.lists(_pieces | _samples.map(lambda record: json.dumps(record).encode()), max_size=5))
def test_a_batch_is_decoded_as_its_records_one_by_one(values: list[bytes | None]) -> None:
    decoder = Decoder(BINARY, may_be_rows=True)
    whole, each = decoder.decode(values), [decoder.decode([value]) for value in values]
    assert whole.rows == [row for row, samples in enumerate(each) if samples.rows]
    for column in ("ids", "labels", "weights"):
        assert repr(getattr(whole, column)) == repr([x for samples in each for x in getattr(samples, column)])
    features = [as_seen(one) for samples in each for one in samples.features]
    assert list(map(as_seen, whole.features)) == features
    alone = [(row, why) for row, samples in enumerate(each) for _, why in samples.rejections]
    assert whole.rejections == alone


@given(st.binary(max_size=60) | _samples.map(lambda record: json.dumps(record).encode()))
def test_no_value_makes_the_decoder_raise(value: bytes) -> None:
    samples = decode(value)
    assert len(samples.rows) + len(samples.rejections) == 1


def test_the_verdict_does_not_depend_on_the_depth_of_the_caller() -> None:
    deep = b'{"features": {}, "unused": ' + b"[" * 400 + b"]" * 400 + b"}"

    def from_below(levels: int) -> str | None:
        return reason(deep) if levels == 0 else from_below(levels - 1)

    assert from_below(0) is None
    assert from_below(min(300, sys.getrecursionlimit() - 600)) is None

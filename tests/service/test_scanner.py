"""The scanner of plain records: what it takes in is what the other ways make of it, to the bit."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from perceptron_core.kernel import Row
from service import records
from service.records import Decoder, Samples
from service.settings import Settings
from tests.compiled import require_compiled
from tests.service.test_records import BINARY, REGRESSION, TEXTS, decode

Scan = Decoder(BINARY, may_be_rows=True)


@pytest.fixture(autouse=True)
def _compiled() -> None:
    require_compiled("scanner", records.Scanner is not None)


def scanned(*values: bytes | None, chosen: Settings = BINARY) -> list[dict[str, Any] | None]:
    """Return the features of each value, None where the scanner leaves it to others; all have to agree."""
    decode(*values, chosen=chosen)
    samples = Decoder(chosen, may_be_rows=True).decode(values)
    found = dict(zip(samples.rows, samples.features, strict=True))
    rows = [found.get(row) for row in range(len(values))]
    return [row.features() if isinstance(row, Row) else None for row in rows]


def with_features(features: str) -> bytes:
    return f'{{"features": {{{features}}}}}'.encode()


@pytest.mark.parametrize(
    "value",
    [
        b'{"features":{"a":1}}',
        b'\t{ "features" : { "a" : 1 } , "id" : 7 }\r\n',
        b'{"id": "s-1", "label": 1, "weight": 0.5, "features": {"a": 1e0}}',
        b'{"id": "\\u00e9\\"", "label": null, "features": {"a": true}}',
        b'{"features": {"a": 1}, "note": "text", "at": -12.5e3, "is": false, "no": null, "yes": true}',
        b'{"features": {"\\u0061": 1}}',
    ],
)
def test_plain_records_are_taken_in(value: bytes) -> None:
    assert scanned(value) == [{"a": 1.0}]


@pytest.mark.parametrize(
    ("value", "taken"),
    [
        (b'{"label": "spam", "features": {}}', {}),
        (b'{"label": false, "features": {"a": "\xe6\x97\xa5", "b": null, "c": 2}}', {"a": "日", "c": 2.0}),
        (b'{"label": 1, "features": {}}', None),
    ],
)
def test_labels_and_features_that_are_texts(value: bytes, taken: dict[str, Any] | None) -> None:
    assert scanned(value, chosen=TEXTS) == [taken]


@pytest.mark.parametrize(
    "features",
    [
        '"a": 1, "a": 2',
        '"a": 1, "a": null',
        '"a": 1,',
        '"a" 1',
        '"a": 01',
        '"a": +1',
        '"a": .5',
        '"a": 1.',
        '"a": 1e',
        '"a": 1e400',
        '"a": -0',
        '"a": 1234567890123456789',
        '"a": tru',
        '"a": truex',
        '"a": [1]',
        '"a": {}',
        '"a": "\\ud800"',
        '"a": "\\x"',
        '"a": "line\nend"',
        '"a": NaN',
        '"a": Infinity',
        "a: 1",
        '"a": 1 "b": 2',
        '"a": 1, , "b": 2',
    ],
)
def test_what_is_not_plain_is_left_to_the_others(features: str) -> None:
    assert scanned(with_features('"a": 1'), with_features(features), with_features('"a": 3')) == [
        {"a": 1.0},
        None,
        {"a": 3.0},
    ]


@pytest.mark.parametrize(
    "value",
    [
        None,
        b"",
        b"{",
        b"{}",
        b'{"features": {}} ,',
        b'{"features": {}}\x00',
        b'{"features": {}}{"features": {}}',
        b'{"features": {}, "features": {}}',
        b'{"features": {}, "label": 0, "ground_truth": 1}',
        b'{"features": {}, "weight": null}',
        b'{"features": {}, "weight": -0.0}',
        b'{"features": {}, "label": 2}',
        b'{"features": {}, "id": 1.0}',
        b'{"features": {}, "unused": [1]}',
        b'{"features": {}, "unused": "\xff"}',
        b'{"features": {"\xff": 1}}',
        b'{"features": {"a": "\xed\xa0\x80"}}',
        b'{"features": {}, "id": "' + b"i" * 257 + b'"}',
        b'{"features": {}, "id": "' + b"i" * 1_000_000 + b'"}',
    ],
)
def test_other_records_are_left_to_the_others(value: bytes | None) -> None:
    assert scanned(with_features(""), value, with_features("")) == [{}, None, {}]


def test_names_may_come_and_go() -> None:
    lists = ["abc", "ab", "abcd", "bc", "", "acb", "abc", "abc", "cba"]
    values = [with_features(", ".join(f'"{name}": {k}' for k, name in enumerate(names))) for names in lists]
    assert [list(row or ()) for row in scanned(*values)] == [list(names) for names in lists]


def test_white_space_may_come_and_go() -> None:
    spellings = [(",", ":"), (", ", ": "), (" , ", " : ")]
    values = [
        json.dumps({"features": {"a": 1.5, "b": 2, "c": "x"}}, separators=spelling).encode()
        for spelling in spellings + spellings[::-1] + spellings[:1]
    ]
    assert scanned(*values) == [{"a": 1.5, "b": 2.0, "c": "x"}] * len(values)


def test_the_same_identities_are_one_object() -> None:
    values = [with_features('"a": 1, "b": 2'), with_features('"a": 3, "b": null')] * 3
    values += [with_features('"a": 1, "b": "x"')] * 2
    spellings = [row.identities for row in Scan.decode(values).features if isinstance(row, Row)]
    assert [len(one) for one in spellings] == [6, 3] * 3 + [8] * 2
    assert spellings[0] is spellings[2] is spellings[4]
    assert spellings[6] is spellings[7]


def test_more_features_than_a_chunk_holds() -> None:
    wide = {f"w{k}": k for k in range(20_000)}
    assert scanned(*[json.dumps({"features": wide}).encode()] * 3) == [wide] * 3


_numbers = st.from_regex(r"-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?", fullmatch=True)


@given(st.lists(_numbers | st.floats(allow_nan=False, allow_infinity=False).map(repr), max_size=8))
@example(["9007199254740993.0", "9007199254740993", "123456789012345678", "1e22", "1e23", "8.5e-23"])
@example(["2.2250738585072011e-308", "5e-324", "2.4703282292062327e-324", "1.7976931348623158e308", "-0.0"])
def test_numbers_are_rounded_as_python_does(texts: list[str]) -> None:
    values = [with_features(f'"a": {text}') for text in texts]
    for text, row in zip(texts, scanned(*values), strict=True):
        if row is not None:
            assert row["a"].hex() == float(text).hex()
        else:  # out of range, too long, or -0
            assert (
                not text.lstrip("-0").rstrip("0.")
                or math.isinf(float(text))
                or len(text) > 18
                or "e-" in text.lower()
            )


_scalars = st.none() | st.booleans() | st.integers(-(2**66), 2**66) | st.floats() | st.text(max_size=5)
_records = st.fixed_dictionaries(
    {"features": st.dictionaries(st.sampled_from(["a", "b", "c", "é", 'd"']), _scalars, max_size=5)},
    optional={
        "id": _scalars,
        "label": st.sampled_from([0, 1, True, None, 1.0, "ham", "spam", 7, 2**54]),
        "ground_truth": st.sampled_from([0, 1, None]),
        "weight": st.floats(0, 10) | st.integers(0, 5) | _scalars,
        "other": _scalars | st.lists(_scalars, max_size=2),
    },
)
_spellings = st.builds(
    lambda record, indent, ascii, separators: json.dumps(
        record, indent=indent, ensure_ascii=ascii, separators=separators
    ).encode("utf-8", "surrogatepass"),
    _records,
    st.sampled_from([None, None, 1]),
    st.booleans(),
    st.sampled_from([(", ", ": "), (",", ":"), (" ,", " : ")]),
)


@st.composite
def _spoilt(draw: st.DrawFn) -> bytes:
    """Return a record with some bytes replaced, removed or put in."""
    value = bytearray(draw(_spellings))
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(value)))
        value[at : at + draw(st.integers(0, 2))] = draw(
            st.sampled_from(
                [b"", b'"', b"\\", b"{", b"}", b",", b":", b" ", b"0", b"-", b".", b"e", b"\x00", b"\xc3"]
            )
        )
    return bytes(value)


@given(st.lists(_spoilt(), max_size=6), st.sampled_from([BINARY, TEXTS, REGRESSION]))
def test_whatever_is_taken_in_is_what_the_other_ways_make_of_it(
    values: list[bytes], chosen: Settings
) -> None:
    scanned(*values, chosen=chosen)


def test_a_batch_without_a_plain_record_is_no_quadratic_affair() -> None:
    count = 20_000
    samples: Samples = Scan.decode([b'{"features": {"a": [1]}}'] * count)
    assert len(samples.rejections) == count


def test_records_may_be_of_any_size_that_is_asked_for() -> None:
    endless = Settings.model_validate({"engine": {"max_record_bytes": 2**70}})
    assert scanned(with_features('"a": 1'), chosen=endless) == [{"a": 1.0}]

"""Answers fit into their topics, with or without the record they answer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from service.answers import HEADER_BYTES, OVERHEAD_BYTES, Answers
from service.codec import ERROR_FIELDS
from service.streams.port import Output

REASONS = [(f"perceptron.error.{field}", b"x" * 20) for field in ERROR_FIELDS]
ROOM = 1000
ANSWERS = Answers({"dlq": ROOM + OVERHEAD_BYTES, "predictions": ROOM + OVERHEAD_BYTES})

blobs = st.none() | st.integers(0, 2 * ROOM).map(lambda count: b"b" * count)
own_headers = st.lists(st.tuples(st.sampled_from(["h", "perceptron.error.reason"]), blobs), max_size=3)


def size(output: Output, row: int) -> int:
    headers = output.headers[row] if output.headers is not None else ()
    parts = [output.keys[row], output.values[row], *(value for _, value in headers)]
    names = sum(len(name) + HEADER_BYTES for name, _ in headers)
    return names + sum(len(part) for part in parts if part is not None)


@given(st.lists(st.tuples(blobs, blobs, own_headers), min_size=1, max_size=5))
def test_a_dead_letter_stays_as_it_is_or_shrinks_to_its_reason(records: list[tuple[object, ...]]) -> None:
    keys, values, owns = zip(*records, strict=True)
    before = Output("dlq", 3, keys, values, [[*own, *REASONS] for own in owns])
    after = ANSWERS.fitting(before)
    assert (after.topic, after.partition, len(after)) == ("dlq", 3, len(before))
    for row in range(len(before)):
        assert after.headers is not None
        assert before.headers is not None
        if size(before, row) <= ROOM:
            same = (after.keys[row], after.values[row], after.headers[row])
            assert same == (before.keys[row], before.values[row], before.headers[row])
        else:
            omitted = size(before, row) - size(Output("dlq", 0, [None], [None], [REASONS]), 0)
            told = ("perceptron.error.omitted_bytes", b"%d" % omitted)
            assert (after.keys[row], after.values[row]) == (None, None)
            assert after.headers[row] == [*REASONS, told]


def test_a_prediction_goes_without_a_key_that_does_not_fit() -> None:
    predictions = Output("predictions", 0, [b"k" * ROOM, b"key", None], [b"{}"] * 3)
    fitted = ANSWERS.fitting(predictions)
    assert fitted == Output("predictions", 0, [None, b"key", None], [b"{}"] * 3)


def test_what_fits_and_what_has_no_limit_is_handed_through() -> None:
    small = Output("predictions", 0, [b"key"], [b"{}"])
    large = Output("anywhere", 0, [None], [b"v" * 10 * ROOM])
    assert ANSWERS.fitting(small) is small
    assert ANSWERS.fitting(large) is large


def test_a_traced_prediction_keeps_its_value_and_trace_whatever_its_key() -> None:
    traced = [(("traceparent", b"t" * 55),), (), (("tracestate", b"s" * 300),)]
    before = Output("predictions", 0, [b"k" * ROOM, b"key", b"k" * 700], [b"{}"] * 3, traced)
    fitted = ANSWERS.fitting(before)
    assert fitted == Output("predictions", 0, [None, b"key", None], [b"{}"] * 3, traced)

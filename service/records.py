"""Records to samples: the one place where what producers wrote is checked.

A batch of well-formed samples takes the short way, one typed call of msgspec for all of it. Where that
refuses, each record is looked at by itself: the short way again, then the careful way (``careful.py``),
which alone decides: it names the reason, or accepts what the short way was too strict about. Where the
short way accepts, all three agree: a law, and tested as one.
"""

from __future__ import annotations

import functools
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from perceptron_core import Rejection
from service.careful import MAX_ID_BYTES, Careful, Id, Rejected, label_types, target_of
from service.settings import Settings

MAX_DEPTH = 500
"""Nesting that is accepted; a fixed number, because the interpreter's own limit depends on who calls."""

_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Value = float | _Integer | bool | str | None  # a longer integer may be beyond the range of a double
_ShortId = Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES // 4)] | _Integer
_FIRST, _LAST = operator.itemgetter(0), operator.itemgetter(-1)
_NOT_WELL_FORMED = (msgspec.DecodeError, KeyError, OverflowError, RecursionError)
_NOT_ALL = (*_NOT_WELL_FORMED, TypeError, IndexError, UnicodeDecodeError)  # None, empty, not UTF-8
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(slots=True)
class Samples:
    """The usable records of a batch, column by column, and the rejected ones by row of the batch."""

    rows: list[int] = field(default_factory=list)
    ids: list[Id | None] = field(default_factory=list)
    features: list[dict[str, Any]] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)  # NaN: not labelled
    weights: list[float] = field(default_factory=list)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)


class Decoder:
    """Turns the values of records into samples, by the settings' task, labels and fields."""

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.engine.max_record_bytes
        self._target = target_of(settings)
        self._careful = Careful(settings, self._target).decode
        is_flat = settings.fields.features == "*"
        short = None if is_flat else _short_way(settings)
        self._short: Callable[[bytes], Any] = short.decode if short else self._careful
        self._short_lines = short.decode_lines if short else None

    def decode(self, values: Sequence[bytes | None]) -> Samples:
        """Return the samples of a batch; no value can make this raise."""
        return self._decode_lines(values) or self._decode_each(values)

    def _decode_lines(self, values: Sequence[bytes | None]) -> Samples | None:
        """Return the samples of a batch that is all well-formed, else None."""
        try:
            lines = b"\n".join(values)  # type: ignore[arg-type]
            if self._short_lines is None or not self._are_sound(values, lines):  # type: ignore[arg-type]
                return None
            found = self._short_lines(lines)
            labels = [self._target(s.ground_truth if s.label is None else s.label) for s in found]
        except _NOT_ALL:
            return None
        if len(found) != len(values):
            return None
        ids, features = [sample.id for sample in found], [sample.features for sample in found]
        return Samples(list(range(len(found))), ids, features, labels, [sample.weight for sample in found])

    def _are_sound(self, values: Sequence[bytes], lines: bytes) -> bool:
        """Whether every value holds one JSON value or more, and none needs a look of its own.

        Between one value's } and the next one's { no JSON value can go on. So what begins and ends in
        braces holds whole values only, and as many of them as records means one in each.
        """
        if {*map(_FIRST, values)} != {ord("{")} or {*map(_LAST, values)} != {ord("}")}:
            return False
        if not lines.isascii():
            lines.decode()
        longest = max(map(len, values))
        return longest <= self._max_bytes and (longest < 2 * MAX_DEPTH or all(map(_is_shallow, values)))

    def _decode_each(self, values: Sequence[bytes | None]) -> Samples:
        samples = Samples()
        for row, value in enumerate(values):
            try:
                sample, y = self._decode_one(self._sound(value))
            except Rejected as rejected:
                samples.rejections.append((row, rejected.rejection))
                continue
            samples.rows.append(row)
            samples.ids.append(sample.id)
            samples.features.append(sample.features)
            samples.labels.append(y)
            samples.weights.append(sample.weight)
        return samples

    def _decode_one(self, value: bytes) -> tuple[Any, float]:
        """Return the sample and its target, by the short way where that will do."""
        try:
            sample = self._short(value)
            label = sample.label
            return sample, self._target(sample.ground_truth if label is None else label)
        except _NOT_WELL_FORMED:
            sample = self._careful(value)
            return sample, self._target(sample.label)

    def _sound(self, value: bytes | None) -> bytes:
        """Return the value; raise for what must not get as far as a parser."""
        if value is None:
            raise Rejected("empty", "the record has no value (a tombstone); a JSON object was expected")
        if len(value) > self._max_bytes:
            raise Rejected("too_large", f"{len(value)} bytes; max_record_bytes is {self._max_bytes}")
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise Rejected("not_json", f"not UTF-8 at byte {error.start}") from None
        if not _is_shallow(value):
            _check_depth(value)
        return value


def _is_shallow(value: bytes) -> bool:
    """Whether a value has too few brackets to be nested too deeply."""
    return len(value) < 2 * MAX_DEPTH or value.count(b"[") + value.count(b"{") <= MAX_DEPTH


def _check_depth(value: bytes) -> None:
    """Raise where brackets outside of texts are nested too deeply."""
    depth = 0
    for token in _BRACKET.finditer(value):
        bracket = token.group()[:1]
        depth += 1 if bracket in b"[{" else -1 if bracket in b"]}" else 0
        if depth > MAX_DEPTH:
            raise Rejected("not_json", f"nested more than {MAX_DEPTH} deep at byte {token.start()}")


def _short_way(settings: Settings) -> msgspec.json.Decoder[Any]:
    """Return the typed decoder of well-formed samples."""
    label = functools.reduce(operator.or_, label_types(settings))
    fields = settings.fields
    has_alias = fields.label == "label"
    wire = msgspec.defstruct(
        "Wire",
        [
            ("features", dict[str, _Value]),
            ("id", _ShortId | None, None),
            ("label", label | None, None),
            ("weight", Annotated[float, msgspec.Meta(ge=0)], 1.0),
            *([("ground_truth", label | None, None)] if has_alias else []),
        ],
        rename={name: getattr(fields, name) for name in ("features", "id", "label", "weight")},
        namespace={} if has_alias else {"ground_truth": None},
        gc=False,
    )
    return msgspec.json.Decoder(wire)

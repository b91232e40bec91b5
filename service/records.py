"""Records to samples: the one place where what producers wrote is checked.

Who can learn from rows of numbers has plain records scanned straight into them (``scanner.pyx``), where that
is compiled. Other well-formed records take the short way, one typed call of msgspec. What that refuses takes
the careful way (``careful.py``), which alone decides: it names the reason, or accepts what the others were
too strict about. Where a shorter way accepts, the careful way agrees: a law, and tested as one.
"""

from __future__ import annotations

import functools
import operator
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import msgspec

from perceptron_core import Rejection
from service.careful import MAX_ID_BYTES, Careful, Id, Rejected, label_types, target_of
from service.settings import Settings

try:
    from service.scanner import Scanner
except (ImportError, ValueError):  # not compiled, or for another kernel
    Scanner = None  # type: ignore[assignment,misc]

MAX_DEPTH = 500
"""Nesting that is accepted; a fixed number, because the interpreter's own limit depends on who calls."""

_Integer = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
_Value = float | _Integer | bool | str | None  # a longer integer may be beyond the range of a double
_ShortId = Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES // 4)] | _Integer
_NOT_WELL_FORMED = (msgspec.DecodeError, KeyError, OverflowError, RecursionError)
_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"?|[\[{]|[\]}]', re.DOTALL)


@dataclass(slots=True)
class Samples:
    """The usable records of a batch, column by column, and the rejected ones by row of the batch."""

    rows: list[int] = field(default_factory=list)
    ids: list[Id | None] = field(default_factory=list)
    features: list[Any] = field(default_factory=list)  # dicts, or rows where they may be
    labels: list[float] = field(default_factory=list)  # NaN: not labelled
    weights: list[float] = field(default_factory=list)
    rejections: list[tuple[int, Rejection]] = field(default_factory=list)


Scan = Callable[[Sequence[bytes | None], int, Samples], int]
"""Takes in the values from a row on, and returns the first that it does not take."""


class Decoder:
    """Turns the values of records into samples, by the settings' task, labels and fields.

    Parameters
    ----------
    settings
        Checked settings.
    may_be_rows
        Whether features may be :class:`~perceptron_core.kernel.Row` in the place of dicts.
    """

    def __init__(self, settings: Settings, may_be_rows: bool = False) -> None:
        self._max_bytes = settings.engine.max_record_bytes
        self._target = target_of(settings)
        self._careful = Careful(settings, self._target).decode
        is_flat = settings.fields.features == "*"
        short = None if is_flat else _short_way(settings)
        self._short: Callable[[bytes], Any] = short.decode if short else self._careful
        self._scan = _scan(settings, self._target) if may_be_rows and not is_flat else _none_is_plain

    def decode(self, values: Sequence[bytes | None]) -> Samples:
        """Return the samples of a batch; no value can make this raise."""
        samples, row = Samples(), 0
        while (row := self._scan(values, row, samples)) < len(values):
            try:
                sample, y = self._decode_one(self._sound(values[row]))
            except Rejected as rejected:
                samples.rejections.append((row, rejected.rejection))
            else:
                samples.rows.append(row)
                samples.ids.append(sample.id)
                samples.features.append(sample.features)
                samples.labels.append(y)
                samples.weights.append(sample.weight)
            row += 1
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


def _none_is_plain(values: Sequence[bytes | None], row: int, into: Samples) -> int:
    """Leave all records to the other ways."""
    return row


def _scan(settings: Settings, target: Callable[[Any], float]) -> Scan:
    """Return the scanner of plain records, where it is compiled."""
    if Scanner is None:
        return _none_is_plain
    fields = settings.fields
    names = [fields.id, fields.features, fields.label, fields.weight]
    names += ["ground_truth"] * (fields.label == "label")
    longest, longest_id = min(settings.engine.max_record_bytes, sys.maxsize), MAX_ID_BYTES // 4
    return Scanner(names, target, label_types(settings), longest, longest_id).scan

"""Records to samples: the one place where what producers wrote is checked.

Well-formed samples take the short way, one typed call of msgspec each. Whatever that refuses is looked
at again by the careful way (``careful.py``), which alone decides: it names the reason, or accepts what
the short way was too strict about. Where the short way accepts, the two agree: a law, and tested as one.
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

_Value = float | int | bool | str | None
_ShortId = (
    Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES // 4)]
    | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
)
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
        self._short: Callable[[bytes], Any] = self._careful if is_flat else _short_way(settings)

    def decode(self, values: Sequence[bytes | None]) -> Samples:
        """Return the samples of a batch; no value can make this raise."""
        samples = Samples()
        all_sound = self._are_sound(values)
        for row, value in enumerate(values):
            try:
                if not all_sound:
                    self._check_sound(value)
                sample, y = self._decode_one(value)  # type: ignore[arg-type]
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
        except (msgspec.DecodeError, KeyError, OverflowError, RecursionError):
            sample = self._careful(value)
            return sample, self._target(sample.label)

    def _are_sound(self, values: Sequence[bytes | None]) -> bool:
        """Whether no value needs a look of its own, judged in one go over the whole batch."""
        try:
            longest = max(map(len, values), default=0)  # type: ignore[arg-type]
            b"\n".join(values).decode()  # type: ignore[arg-type]
        except (TypeError, UnicodeDecodeError):
            return False
        return longest < 2 * MAX_DEPTH and longest <= self._max_bytes

    def _check_sound(self, value: bytes | None) -> None:
        """Raise for what must not get as far as a parser."""
        if value is None:
            raise Rejected("empty", "the record has no value (a tombstone); a JSON object was expected")
        if len(value) > self._max_bytes:
            raise Rejected("too_large", f"{len(value)} bytes; max_record_bytes is {self._max_bytes}")
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise Rejected("not_json", f"not UTF-8 at byte {error.start}") from None
        if len(value) >= 2 * MAX_DEPTH and value.count(b"[") + value.count(b"{") > MAX_DEPTH:
            _check_depth(value)


def _check_depth(value: bytes) -> None:
    """Raise where brackets outside of texts are nested too deeply."""
    depth = 0
    for token in _BRACKET.finditer(value):
        bracket = token.group()[:1]
        depth += 1 if bracket in b"[{" else -1 if bracket in b"]}" else 0
        if depth > MAX_DEPTH:
            raise Rejected("not_json", f"nested more than {MAX_DEPTH} deep at byte {token.start()}")


def _short_way(settings: Settings) -> Callable[[bytes], Any]:
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
    return msgspec.json.Decoder(wire).decode

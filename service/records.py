"""Records to samples: the one place where what producers wrote is checked.

Well-formed samples take the short way, one typed call of msgspec each. Whatever that refuses is looked
at again by :class:`_Careful`, which alone decides: it names the reason, or accepts what the short way
was too strict about. Where the short way accepts, the two agree (a law that the tests hold).
"""

from __future__ import annotations

import functools
import json
import math
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NoReturn

import msgspec

from perceptron_core import Rejection
from service.settings import Settings

Id = str | int

MAX_DEPTH = 500
"""Nesting that is accepted; a fixed number, because the interpreter's own limit depends on who calls."""

MAX_ID_BYTES = 1024

_Value = float | int | bool | str | None
_ShortId = (
    Annotated[str, msgspec.Meta(max_length=MAX_ID_BYTES // 4)]
    | Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
)
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,79}")
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


class _Rejected(Exception):
    """Carries a rejection to the loop."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.rejection = Rejection(reason, message)


class Decoder:
    """Turns the values of records into samples, by the settings' task, labels and fields."""

    def __init__(self, settings: Settings) -> None:
        self._max_bytes = settings.engine.max_record_bytes
        self._target = _target(settings)
        self._careful = _Careful(settings, self._target).decode
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
            except _Rejected as rejected:
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
            raise _Rejected("empty", "the record has no value (a tombstone); a JSON object was expected")
        if len(value) > self._max_bytes:
            raise _Rejected("too_large", f"{len(value)} bytes; max_record_bytes is {self._max_bytes}")
        try:
            value.decode()
        except UnicodeDecodeError as error:
            raise _Rejected("not_json", f"not UTF-8 at byte {error.start}") from None
        if len(value) >= 2 * MAX_DEPTH and value.count(b"[") + value.count(b"{") > MAX_DEPTH:
            _check_depth(value)


def _check_depth(value: bytes) -> None:
    """Raise where brackets outside of texts are nested too deeply."""
    depth = 0
    for token in _BRACKET.finditer(value):
        bracket = token.group()[:1]
        depth += 1 if bracket in b"[{" else -1 if bracket in b"]}" else 0
        if depth > MAX_DEPTH:
            raise _Rejected("not_json", f"nested more than {MAX_DEPTH} deep at byte {token.start()}")


def _target(settings: Settings) -> Callable[[Any], float]:
    """Return the function from a label, None where there is none, to the target y (NaN for None)."""
    if settings.model.task == "regression":
        return lambda label: math.nan if label is None else float(label)
    negative, positive = settings.model.labels
    return {None: math.nan, False: 0.0, True: 1.0, negative: 0.0, positive: 1.0}.__getitem__


def _label_types(settings: Settings) -> tuple[type, ...]:
    """Return the types a label may have: texts replace 0 and 1, and regression refuses booleans."""
    if settings.model.task == "regression":
        return (int, float)
    return (bool, str) if isinstance(settings.model.labels[0], str) else (bool, int, float)


def _short_way(settings: Settings) -> Callable[[bytes], Any]:
    """Return the typed decoder of well-formed samples."""
    label = functools.reduce(operator.or_, _label_types(settings))
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


class _Sample(msgspec.Struct, gc=False):
    """What the careful way returns; the short way's has the same attributes."""

    features: dict[str, Any]
    id: Id | None
    label: Any
    weight: float
    ground_truth: None = None  # already taken for the label


class _HugeInteger(float):
    """An integer of more digits than Python converts; as a number it is infinite."""


class _Careful:
    """Decodes a value part by part: id, features, label, weight; the first fault is the one named."""

    def __init__(self, settings: Settings, target: Callable[[Any], float]) -> None:
        self._fields = settings.fields
        self._is_flat = settings.fields.features == "*"
        self._target = target
        self._label_types = _label_types(settings)
        self._expected_label = (
            "a finite number"
            if settings.model.task == "regression"
            else f"one of {json.dumps(list(settings.model.labels))}, false or true"
        )

    def decode(self, value: bytes) -> _Sample:
        """Return the sample.

        Raises
        ------
        _Rejected
            It can't be used.
        """
        record = _parse(value)
        if not isinstance(record, dict):
            raise _Rejected("wrong_type", f"$: {_kind(record)}; an object was expected")
        return _Sample(
            id=self._id(record.pop(self._fields.id, None)),
            label=self._label(record),
            weight=self._weight(record.pop(self._fields.weight, 1)),
            features=self._features(record),
        )

    def _id(self, value: Any) -> Id | None:
        path = f"$.{self._fields.id}"
        if isinstance(value, _HugeInteger):
            raise _Rejected("too_large", f"{path}: an id is at most {MAX_ID_BYTES} bytes")
        if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
            raise _Rejected("wrong_type", f"{path}: {_kind(value)}; a text or an integer was expected")
        if value is not None and len(_utf8(str(value), path)) > MAX_ID_BYTES:
            raise _Rejected("too_large", f"{path}: an id is at most {MAX_ID_BYTES} bytes")
        return value

    def _label(self, record: dict[str, Any]) -> Any:
        name = self._fields.label
        label = record.pop(name, None)
        if name == "label":
            alias = record.pop("ground_truth", None)
            label = alias if label is None else label
        if label is None:
            return None
        if not isinstance(label, self._label_types) or (
            isinstance(label, bool) and bool not in self._label_types
        ):
            raise _Rejected("bad_label", f"$.{name}: {_kind(label)}; {self._expected_label} was expected")
        if isinstance(label, (int, float)):
            _check_finite(label, f"$.{name}")
        try:
            self._target(label)
        except KeyError:
            message = f"$.{name}: {label!r:.80}; {self._expected_label} was expected"
            raise _Rejected("bad_label", message) from None
        return label

    def _weight(self, value: Any) -> float:
        path = f"$.{self._fields.weight}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _Rejected("bad_weight", f"{path}: {_kind(value)}; a finite number ≥ 0 was expected")
        weight = _check_finite(value, path)
        if weight < 0:
            raise _Rejected("bad_weight", f"{path}: {value!r}; a finite number ≥ 0 was expected")
        return weight

    def _features(self, record: dict[str, Any]) -> dict[str, Any]:
        path = "$" if self._is_flat else f"$.{self._fields.features}"
        features = record if self._is_flat else record.get(self._fields.features)
        if features is None:
            raise _Rejected("missing_features", f"{path}: not there; an object of features was expected")
        if not isinstance(features, dict):
            raise _Rejected("wrong_type", f"{path}: {_kind(features)}; an object of features was expected")
        for name, value in features.items():
            self._check_feature(_below(path, name), name, value)
        return features

    def _check_feature(self, path: str, name: str, value: Any) -> None:
        _utf8(name, path)
        if isinstance(value, str):
            _utf8(value, path)
        elif isinstance(value, (int, float)):
            _check_finite(value, path)
        elif value is not None:
            raise _Rejected(
                "wrong_type", f"{path}: {_kind(value)}; a number, a boolean, a text or null was expected"
            )


def _parse(value: bytes) -> Any:
    """Return strict JSON as Python values; numbers that overflow become infinite, not an error."""
    try:
        return json.loads(value.decode(), parse_constant=_refuse_constant, parse_int=_integer)
    except RecursionError:
        raise _Rejected("not_json", "nested too deeply") from None
    except ValueError as error:
        raise _Rejected("not_json", f"not JSON: {error}") from None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= 4000 else _HugeInteger(digits)


def _below(path: str, name: str) -> str:
    """Return the JSON path of a member."""
    return f"{path}.{name}" if _PLAIN_NAME.fullmatch(name) else f"{path}[{json.dumps(name)}]"


def _check_finite(value: float, path: str) -> float:
    """Return the nearest double."""
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise _Rejected("not_finite", f"{path}: beyond the range of a double")
    return number


def _utf8(text: str, path: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise _Rejected("not_json", f"{path}: a lone surrogate, which UTF-8 can't hold") from None


def _kind(value: Any) -> str:
    """Name a value's JSON type."""
    names: dict[type, str] = {
        bool: "a boolean",
        str: "a text",
        list: "an array",
        dict: "an object",
        type(None): "null",
    }
    return names.get(type(value), "a number")

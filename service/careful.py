"""The careful way: a record, part by part, with a reason for whatever can't be used.

It parses with Python's own JSON, strictly, and checks id, features, label and weight in this order; the
first fault is the one that is named. Fields that are not used may hold anything that is JSON.
"""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable
from typing import Any, NoReturn

import msgspec

from perceptron_core import Rejection
from service.settings import Settings

Id = str | int

MAX_ID_BYTES = 1024

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]{0,79}")


class Rejected(Exception):
    """Carries a rejection to the loop."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.rejection = Rejection(reason, message)


def target_of(settings: Settings) -> Callable[[Any], float]:
    """Return the function from a label, None where there is none, to the target y (NaN for None)."""
    if settings.model.task == "regression":
        return functools.partial(_value_within, *settings.model.target_range)
    negative, positive = settings.model.labels
    return {None: math.nan, False: 0.0, True: 1.0, negative: 0.0, positive: 1.0}.__getitem__


def _value_within(lowest: float, highest: float, label: float | None) -> float:
    """Return the target y of a regression; KeyError where the model has no such value."""
    y = math.nan if label is None else float(label)
    if y < lowest or y > highest:
        raise KeyError(label)
    return y


def label_types(settings: Settings) -> tuple[type, ...]:
    """Return the types a label may have: texts replace 0 and 1, and regression refuses booleans."""
    if settings.model.task == "regression":
        return (int, float)
    return (bool, str) if isinstance(settings.model.labels[0], str) else (bool, int, float)


class Sample(msgspec.Struct, gc=False):
    """What the careful way returns; the short way's has the same attributes."""

    features: dict[str, Any]
    id: Id | None
    label: Any
    weight: float
    ground_truth: None = None  # already taken for the label


class _HugeInteger(float):
    """An integer of more digits than Python converts; as a number it is infinite."""


class Careful:
    """Decodes a value part by part: id, features, label, weight; the first fault is the one named."""

    def __init__(self, settings: Settings, target: Callable[[Any], float]) -> None:
        self._fields = settings.fields
        self._is_flat = settings.fields.features == "*"
        self._target = target
        self._label_types = label_types(settings)
        self._expected_label = (
            "a finite number, ≥ {:g} and ≤ {:g},".format(*settings.model.target_range)
            if settings.model.task == "regression"
            else f"one of {json.dumps(list(settings.model.labels))}, false or true"
        )

    def decode(self, value: bytes) -> Sample:
        """Return the sample.

        Raises
        ------
        Rejected
            It can't be used.
        """
        record = _parse(value)
        if not isinstance(record, dict):
            raise Rejected("wrong_type", f"$: {_kind(record)}; an object was expected")
        return Sample(
            id=self._id(record.pop(self._fields.id, None)),
            label=self._label(record),
            weight=self._weight(record.pop(self._fields.weight, 1)),
            features=self._features(record),
        )

    def _id(self, value: Any) -> Id | None:
        path = f"$.{self._fields.id}"
        if isinstance(value, _HugeInteger):
            raise Rejected("too_large", f"{path}: an id is at most {MAX_ID_BYTES} bytes")
        if isinstance(value, bool) or not isinstance(value, (str, int, type(None))):
            raise Rejected("wrong_type", f"{path}: {_kind(value)}; a text or an integer was expected")
        if value is not None and len(_utf8(str(value), path)) > MAX_ID_BYTES:
            raise Rejected("too_large", f"{path}: an id is at most {MAX_ID_BYTES} bytes")
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
            raise Rejected("bad_label", f"$.{name}: {_kind(label)}; {self._expected_label} was expected")
        if isinstance(label, (int, float)):
            _check_finite(label, f"$.{name}")
        try:
            self._target(label)
        except KeyError:
            message = f"$.{name}: {label!r:.80}; {self._expected_label} was expected"
            raise Rejected("bad_label", message) from None
        return label

    def _weight(self, value: Any) -> float:
        path = f"$.{self._fields.weight}"
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise Rejected("bad_weight", f"{path}: {_kind(value)}; a finite number ≥ 0 was expected")
        weight = _check_finite(value, path)
        if weight < 0:
            raise Rejected("bad_weight", f"{path}: {value!r}; a finite number ≥ 0 was expected")
        return weight

    def _features(self, record: dict[str, Any]) -> dict[str, Any]:
        path = "$" if self._is_flat else f"$.{self._fields.features}"
        features = record if self._is_flat else record.get(self._fields.features)
        if features is None:
            raise Rejected("missing_features", f"{path}: not there; an object of features was expected")
        if not isinstance(features, dict):
            raise Rejected("wrong_type", f"{path}: {_kind(features)}; an object of features was expected")
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
            raise Rejected(
                "wrong_type", f"{path}: {_kind(value)}; a number, a boolean, a text or null was expected"
            )


def _parse(value: bytes) -> Any:
    """Return strict JSON as Python values; numbers that overflow become infinite, not an error."""
    try:
        return json.loads(value.decode(), parse_constant=_refuse_constant, parse_int=_integer)
    except RecursionError:
        raise Rejected("not_json", "nested too deeply") from None
    except ValueError as error:
        raise Rejected("not_json", f"not JSON: {error}") from None


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
        raise Rejected("not_finite", f"{path}: beyond the range of a double")
    return number


def _utf8(text: str, path: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Rejected("not_json", f"{path}: a lone surrogate, which UTF-8 can't hold") from None


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

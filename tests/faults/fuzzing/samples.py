"""Texts of samples, put together from parts of which some are odd, in each of some configurations."""

from __future__ import annotations

import functools
import json
import random

from service.settings import Settings
from tests.faults.fuzzing.mutations import deep, pick

_MODEL = {"name": "fuzz", "max_features": 300, "learning_rate": 0.5}
CHOSEN = [
    Settings.model_validate({"model": _MODEL, "engine": {"max_record_bytes": 5000}, **more})
    for more in (
        {},
        {"model": {**_MODEL, "learning_rate": "auto"}},
        {"model": {**_MODEL, "labels": ["ham", "spam"], "optimizer": "adam", "scale": "minmax"}},
        {"model": {**_MODEL, "task": "regression", "learning_rate": "ladder"}},
        {"model": {**_MODEL, "task": "regression", "loss": "poisson", "scale": "robust"}},
        {"model": {**_MODEL, "hash_bits": 6, "interactions": [["a", "*"]], "optimizer": "ftrl", "l1": 0.1}},
        {"fields": {"features": "*"}},
        {"fields": {"id": "key", "features": "x", "label": "y", "weight": "w"}},
    )
]

_STRINGS = [
    b'"a"', b'"b"', b'"n1"', b'"FR"', b'""', b'"a=b"', b'"ham"', b'"spam"', b'"1"', b'"features"', b'"*"',
    '"日本"'.encode(), b'"\\u0061"', b'"\\ud83d\\ude00"', b'"\\u0000"', b'"\\n\\t\\/\\b"', b'"{}"', b'"}"',
    b'"{"',
]  # fmt: skip
_ODD_STRINGS = [
    b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\x"', b'"\\u12"', b'"\t"', b'"\n"', b'"\xff"', b'"\xc0\x80"',
    b"'a'", b'"' + b"x" * 256 + b'"', b'"' + b"x" * 257 + b'"', b'"' + "é".encode() * 128 + b'"',
    b'"' + b"i" * 1024 + b'"', b'"' + b"i" * 1025 + b'"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"',
    b'"\\"',
]  # fmt: skip
_NUMBERS = [
    b"0", b"1", b"-1", b"2", b"0.5", b"1.0", b"-0", b"-0.0", b"3.25", b"1e3", b"1E-2", b"12345.678", b"0.1",
    b"7", b"true", b"false", b"null",
]  # fmt: skip
_ODD_NUMBERS = [
    b"1e308", b"-1.7976931348623157e308", b"1.7976931348623159e308", b"1e309", b"-1e999", b"1e-400",
    b"5e-324", b"2.2250738585072011e-308", b"1e150", b"1e151", b"9007199254740993", b"9223372036854775807",
    b"1e0000000001", b"9223372036854775808", b"18446744073709551615", b"18446744073709551616",
    b"1" + b"0" * 400, b"-" + b"9" * 309, b"9" * 4301, b"0." + b"3" * 800, b"0e99999999999999999999",
    b"1e-99999999999999999999", b"0.1e1", b"1e+2", b"NaN", b"Infinity", b"-Infinity", b"nan", b"+1", b"01",
    b"1.", b".5", b"1e", b"0x1", b"1_0", b"--1", b"-", b"True", b"None", b"1,", b"1e5000",
    b"123456789012345678901234567890.5", b"0.0000000000000000000000000001",
]  # fmt: skip
_NESTED = [b"[]", b"{}", b"[1]", b'{"a":1}', b'[{"a":[null]}]', b"[,]", b"{,}", b"[1,]", b'{"a"}', b"[[]]"]
_BREAKS = [
    b" ", b"\n", b"\r\n", b"\t", b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\x00", b"\xff", b"/**/",
    b"//", b"}{", b"}\n{", b"\xef\xbb\xbf", b"\xe2\x80\xa8", b"\x0b", b"#",
]  # fmt: skip
TOKENS = [*_STRINGS, *_ODD_STRINGS, *_NUMBERS, *_ODD_NUMBERS, *_NESTED, *_BREAKS]
_PARTS = [b"features", b"id", b"label", b"weight", b"ground_truth", b"note", b"key", b"x", b"y", b"w", b""]


@functools.cache
def _keys(settings_index: int) -> list[bytes]:
    fields = CHOSEN[settings_index].fields
    return [json.dumps(getattr(fields, part)).encode() for part in ("id", "features", "label", "weight")]


def sample(source: random.Random, chosen: int, spoilt: float) -> bytes:
    """Return a sample's text, put together from parts of which some are odd."""
    id, features, label, weight = _keys(chosen)
    chance = source.random
    if features == b'"*"':
        members = [_member(source, pick(source, _STRINGS), spoilt / 8) for _ in range(int(chance() * 4))]
    else:
        members = [features + b":" + _object(source, spoilt / 8)]
    if chance() < spoilt / 20:
        members.append(_member(source, features, 0.5))
    if chance() < 0.8:
        members.append(label + b":" + _label(source, CHOSEN[chosen], spoilt / 6))
    if chance() < 0.5:
        members.append(id + b":" + _scalar(source, spoilt / 6))
    if chance() < 0.2:
        members.append(weight + b":" + pick(source, _NUMBERS[:14] if chance() > spoilt / 3 else TOKENS))
    if chance() < 0.2:
        members.append(_member(source, b'"' + pick(source, _PARTS) + b'"', spoilt))
    if chance() < 0.1:
        members.sort()
    gap = b"," if chance() < 0.9 else pick(source, [b" ,\n", b",\t", b"\r\n,"])
    return b"{" + gap.join(members) + b"}"


def _member(source: random.Random, name: bytes, spoilt: float) -> bytes:
    if source.random() < spoilt / 10:
        return (
            name + b":" + pick(source, [deep(source, b"[", b"1", b"]"), deep(source, b'{"a":', b"1", b"}")])
        )
    return name + b":" + _scalar(source, spoilt)


def _object(source: random.Random, spoilt: float) -> bytes:
    count = int(source.random() * source.random() * 8) if source.random() > 0.001 else 310
    if count == 310:
        return b"{" + b",".join(b'"w%d":%d' % (number, number % 7) for number in range(count)) + b"}"
    names = [pick(source, _STRINGS if source.random() > spoilt else TOKENS) for _ in range(count)]
    return b"{" + b",".join(name + b":" + _scalar(source, spoilt) for name in names) + b"}"


def _scalar(source: random.Random, spoilt: float) -> bytes:
    if source.random() < spoilt:
        return pick(source, TOKENS)
    if source.random() < 0.3:
        return repr(source.gauss(0, 1) * 10 ** int(source.random() * 6)).encode()
    return pick(source, _NUMBERS) if source.random() < 0.7 else pick(source, _STRINGS)


def _label(source: random.Random, chosen: Settings, spoilt: float) -> bytes:
    if source.random() < spoilt:
        return pick(source, TOKENS)
    if chosen.model.task == "regression":
        return pick(source, [b"0", b"1.5", b"2", b"17", b"1e3", b"null"])
    if chosen.model.labels == (0, 1):
        return pick(source, [b"0", b"1", b"true", b"false", b"1.0", b"null"])
    return pick(source, [b'"ham"', b'"spam"', b"true", b"false", b"null"])

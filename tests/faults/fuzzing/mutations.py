"""Ways to spoil bytes, trees of plain values and lists; and ways to make them smaller."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

NUMBERS: list[Any] = [
    0, -1, 1, 2, 255, 256, 257, 2**31, 2**32 - 1, 2**53 + 1, 2**60, 2**63 - 1, 2**64 - 1, -(2**63), 0.0,
    -0.0, 0.5, 1e-320, 1e150, -1e151, 1.7e308, float("inf"), float("-inf"), float("nan"),
]  # fmt: skip
LEAVES: list[Any] = [
    *NUMBERS, None, True, False, "", "a", "x" * 300, "日本", "\x00", b"", b"\x00", b"\xff" * 64, [], {}, [[]],
    [1, 2], {"a": 1}, {"": None}, ["again", ""], ["int", "9" * 5000], ["tuple", []], ["fixed", "x"],
]  # fmt: skip


def pick(source: random.Random, things: Sequence[T]) -> T:
    """Return one of them; thrice as fast as ``choice``."""
    return things[int(source.random() * len(things))]


def spoilt_bytes(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    """Return bytes with a few things done to them."""
    for _ in range(1 + int(source.random() * source.random() * 5)):
        value = pick(source, _WAYS)(source, value, tokens)
    return value


def _flip(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    if not value:
        return b"\x00"
    at = int(source.random() * len(value))
    return value[:at] + bytes([value[at] ^ (1 << int(source.random() * 8))]) + value[at + 1 :]


def _replace(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    at = int(source.random() * (len(value) + 1))
    return value[:at] + bytes([int(source.random() * 256)]) + value[at + 1 :]


def _insert(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    at = int(source.random() * (len(value) + 1))
    return value[:at] + pick(source, tokens) + value[at:]


def _overwrite(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    at, token = int(source.random() * (len(value) + 1)), pick(source, tokens)
    return value[:at] + token + value[at + len(token) :]


def _cut(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    first, last = _span(source, value)
    return value[:first] + value[last:]


def _double(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    first, last = _span(source, value)
    return value[:last] + value[first:]


def _truncate(source: random.Random, value: bytes, tokens: Sequence[bytes]) -> bytes:
    return value[: int(source.random() * (len(value) + 1))]


def _span(source: random.Random, value: bytes) -> tuple[int, int]:
    first = int(source.random() * (len(value) + 1))
    return first, first + int(source.random() * min(16, len(value) + 1))


_WAYS: list[Callable[[random.Random, bytes, Sequence[bytes]], bytes]] = [
    _flip, _replace, _insert, _insert, _overwrite, _cut, _double, _truncate,
]  # fmt: skip


def spoilt_tree(source: random.Random, tree: Any) -> Any:
    """Return a tree of plain values with one thing changed, somewhere below."""
    if isinstance(tree, dict) and tree and source.random() < 0.9:
        key = pick(source, list(tree))
        if source.random() < 0.1:
            return {name: value for name, value in tree.items() if name != key}
        return {**tree, key: spoilt_tree(source, tree[key])}
    if isinstance(tree, list) and tree and source.random() < 0.9:
        return _spoilt_list(source, tree)
    if isinstance(tree, bytes) and tree and source.random() < 0.7:
        return spoilt_bytes(source, tree, DOUBLES)
    if isinstance(tree, str) and source.random() < 0.3:
        return tree[: int(source.random() * len(tree))] + pick(source, ["", "x", "\x00", "/", "é"])
    return pick(source, LEAVES)


def _spoilt_list(source: random.Random, things: list[Any]) -> list[Any]:
    at, way = int(source.random() * len(things)), source.random()
    if way < 0.05:
        return things[:at] + things[at + 1 :]
    if way < 0.1:
        return [*things[:at], things[at], *things[at:]]
    if way < 0.15:
        return [*things[at:], *things[:at]]
    return [*things[:at], spoilt_tree(source, things[at]), *things[at + 1 :]]


DOUBLES = [
    bytes.fromhex(number)
    for number in (
        "000000000000f07f", "000000000000f0ff", "000000000000f87f", "ffffffffffffef7f", "0000000000000000",
        "0000000000000080", "0100000000000000", "ffffffff", "dfffffffff", "ddffffffff", "c6ffffffff", "00",
    )  # infinities, NaN, the largest, zeros, the smallest; and lengths of four billion as MessagePack says it
]  # fmt: skip


def deep(source: random.Random, opening: bytes, middle: bytes, closing: bytes) -> bytes:
    """Return something nested, seldom very deeply."""
    depth = int(10 ** (source.random() * 3.7))
    return opening * depth + middle + closing * depth


def smaller_bytes(value: bytes) -> Iterator[bytes]:
    """Yield bytes without a part of them, the largest parts first."""
    size = len(value) // 2
    while size:
        for first in range(0, len(value), size):
            yield value[:first] + value[first + size :]
        size //= 2


def smaller_list(things: Sequence[T]) -> Iterator[list[T]]:
    """Yield lists without a part of them, the largest parts first."""
    size = len(things) // 2
    while size:
        for first in range(0, len(things), size):
            yield [*things[:first], *things[first + size :]]
        size //= 2

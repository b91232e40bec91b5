"""The state of river's things as plain data: any parts laid over a fresh thing."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import msgspec

from service.plain import dump, restore
from tests.corpus import cases as corpus
from tests.faults.fuzzing import pipelines
from tests.faults.fuzzing.mutations import DOUBLES, pick, spoilt_bytes, spoilt_tree
from tests.faults.fuzzing.target import Target, Wrong

Parts = dict[str, bytes]
Case = tuple[int, Parts]


class Plain(Target):
    """Parts of a state, spoilt: another state of the same thing, or ValueError."""

    name = "plain restore"

    @cached_property
    def _states(self) -> list[tuple[Callable[[], Any], Parts]]:
        return [(make, dump(_learned(make()), make()).parts) for make in pipelines.ALL]

    def begin(self) -> None:
        """Nothing is kept from case to case."""

    def cases(self, source: random.Random) -> Iterator[Case]:
        """Yield parts."""
        while True:
            chosen = int(source.random() * len(self._states))
            parts = dict(self._states[chosen][1])
            for _ in range(1 + int(source.random() * 2)):
                if parts:
                    key = pick(source, list(parts))
                    parts[key] = pick(source, [_spoilt, _changed, _changed, _changed])(source, parts[key])
            if source.random() < 0.05:
                del parts[pick(source, list(parts))]
            yield chosen, parts

    def outcomes(self, case: Case) -> Iterable[str]:
        """Return whether it was restored or refused."""
        chosen, parts = case
        fresh = self._states[chosen][0]()
        kind = type(fresh)
        try:
            restored = restore(parts, fresh)
        except ValueError:
            return ["refused"]
        if type(restored) is not kind and not isinstance(restored, PLAIN):
            raise Wrong(f"a {type(restored)} was made where a {kind} was expected")
        return ["restored"]

    def smaller(self, case: Case) -> Iterator[Case]:
        """Put parts back as they were."""
        chosen, parts = case
        for key, part in self._states[chosen][1].items():
            if parts.get(key) != part:
                yield chosen, {**parts, key: part}


PLAIN = (type(None), bool, int, float, str, bytes, list, dict, tuple, set, frozenset)


def _learned(thing: Any) -> Any:
    for case in corpus(200, seed=9):
        if case.label is not None and case.reason is None:
            features = {name: value for name, value in case.features.items() if isinstance(value, float)}
            pipelines.learn(thing, features, bool(case.label))
    return thing


def _spoilt(source: random.Random, value: bytes) -> bytes:
    return spoilt_bytes(source, value, DOUBLES)


def _changed(source: random.Random, value: bytes) -> bytes:
    try:
        return msgspec.msgpack.encode(spoilt_tree(source, msgspec.msgpack.decode(value)))
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError):
        return value

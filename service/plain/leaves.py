"""Things that are kept as a whole: arrays, random generators, and what river has compiled."""

from __future__ import annotations

import json
import random
from typing import Any, Final

import numpy as np

from service.plain.kind import CannotKeep, Kind, name_of


class _Array(Kind):
    """A numpy array: its bytes in its memory's order, which decides the last bits of sums."""

    name = "array"

    def plain(self, thing: Any) -> Any:
        if thing.dtype.hasobject:
            raise CannotKeep("an array", f"numpy.ndarray of {thing.dtype}")
        order = "C" if thing.flags.c_contiguous else "F" if thing.flags.f_contiguous else "C"
        return [thing.dtype.str, list(thing.shape), order, thing.tobytes(order)]

    def make(self, plain: Any) -> Any:
        code, shape, order, data = plain
        return np.frombuffer(data, dtype=number_type(code)).reshape(shape, order=order).copy(order)

    def put(self, thing: Any, plain: Any) -> Any:
        return self.make(plain)


class _Random(Kind):
    """Python's generator."""

    name = "random"
    draws = True

    def plain(self, thing: Any) -> Any:
        version, words, gauss = thing.getstate()
        return [version, np.array(words, dtype="<u4").tobytes(), gauss]

    def make(self, plain: Any) -> Any:
        return random.Random(0)  # nosec B311 # an estimator's own, no secrets

    def put(self, thing: Any, plain: Any) -> Any:
        version, words, gauss = plain
        thing.setstate((version, tuple(np.frombuffer(words, dtype="<u4").tolist()), gauss))
        return thing


class _RandomState(Kind):
    """numpy's old generator."""

    name = "numpy random state"
    draws = True

    def plain(self, thing: Any) -> Any:
        return json.dumps(thing.get_state(legacy=False), default=np.ndarray.tolist)

    def make(self, plain: Any) -> Any:
        return np.random.RandomState(0)

    def put(self, thing: Any, plain: Any) -> Any:
        thing.set_state(json.loads(plain))
        return thing


class _Generator(Kind):
    """numpy's generator."""

    name = "numpy generator"
    draws = True

    def plain(self, thing: Any) -> Any:
        return json.dumps(thing.bit_generator.state, default=np.ndarray.tolist)

    def put(self, thing: Any, plain: Any) -> Any:
        thing.bit_generator.state = json.loads(plain)
        return thing


class _Compiled(Kind):
    """A compiled statistic or detector of river's: bytes that it alone understands."""

    name = "compiled"

    def plain(self, thing: Any) -> Any:
        reduced = thing.__reduce_ex__(4)
        if not (len(reduced) > 2 and isinstance(reduced[2], bytes)):
            raise CannotKeep("a compiled part", name_of(type(thing)))
        return reduced[2]

    def put(self, thing: Any, plain: Any) -> Any:
        try:
            thing.__setstate__(plain)
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # Rust's, which is no Exception
                raise
            raise ValueError(f"not a state of {name_of(type(thing))}: {error}") from None
        return thing


def number_type(code: str) -> np.dtype[Any]:
    """Return a type of numbers or texts.

    Raises
    ------
    ValueError
        It is one of objects, which could be anything.
    """
    kind = np.dtype(code)
    if kind.hasobject:
        raise ValueError(f"arrays of {code} can't be kept")
    return kind


LEAVES: Final[dict[type, Kind]] = {
    np.ndarray: _Array(),
    random.Random: _Random(),
    np.random.RandomState: _RandomState(),
    np.random.Generator: _Generator(),
}
COMPILED: Final[Kind] = _Compiled()

"""The hashing trick: features to a fixed number of buckets. It is a function of the sample alone."""

from __future__ import annotations

import hashlib
import math
from functools import lru_cache
from typing import Any, Final

import msgspec

from perceptron_core.kernel.reading import number, unusable_name

Features = dict[Any, Any]

MOST_BITS: Final = 30
CACHED_PLACES: Final = 1 << 16


class Hashing:
    """A bounded vocabulary without refusals: each feature goes to one of 2^bits buckets.

    Parameters
    ----------
    bits
        The number of buckets is 2^bits; 1 to 30.
    seed
        Another seed, other collisions.
    signed
        Whether a number is multiplied by a sign, +1 or −1, of its name's own: then those that meet in a
        bucket cancel out on average.

    Notes
    -----
    Numbers go to the even buckets, which hold the sum of sign × value and are scaled as any number is.
    Texts go to the odd ones, which are one-hot, never scaled, and 1 however many texts of a sample meet
    there: were a text a number, a bucket of its own would be constant, and a scaler makes 0 of constants.
    A sign would do a text no good: the two signs of a bucket are two buckets.

    A bucket is named ``#number``. Which one a feature goes to depends on its identity and the seed alone:
    BLAKE2b of both. Where the sum overflows, the bucket is refused as ``not_finite``.

    References
    ----------
    Weinberger et al. (2009), *Feature hashing for large scale multitask learning*.

    Examples
    --------
    >>> from perceptron_core.hashing import Hashing
    >>> Hashing(bits=4).transform({"age": 2.0, "height": 3.0, "country": "FR"})
    {'#4': -5.0, '#13': '1'}
    """

    def __init__(self, bits: int, seed: int = 0, signed: bool = True) -> None:
        self._half = 1 << (check_hash_bits(bits) - 1)
        self._salt = seed.to_bytes(hashlib.blake2b.SALT_SIZE, "little", signed=True)
        self._signed = signed
        self._place = lru_cache(CACHED_PLACES, typed=True)(self._placed)

    def transform(self, features: Features) -> Features:
        """Return the buckets in the place of the features, in order of their first feature."""
        buckets: Features = {}
        for name, value in features.items():
            if value is None:
                continue
            text = value if isinstance(value, str) else None
            x = value if type(value) is float or text is not None else _as_double(value)
            place = self._place(name, text)
            if place is None:
                return features
            bucket, sign = place
            if text is not None:
                buckets[bucket] = "1"
            elif math.isfinite(x):
                buckets[bucket] = buckets.get(bucket, 0.0) + sign * x
            else:
                return features
        return buckets

    def _placed(self, name: object, text: str | None) -> tuple[str, float] | None:
        """Return the bucket and the sign of a feature, None where it can't go by its name."""
        if unusable_name(name, text) is not None:
            return None
        written = hashlib.blake2b(_written(name, text), digest_size=8, salt=self._salt).digest()
        digest = int.from_bytes(written, "little")
        bucket = 2 * (digest % self._half) + (text is not None)
        return f"#{bucket}", -1.0 if self._signed and digest >> 63 else 1.0


def _written(name: object, text: str | None) -> bytes:
    """Return a feature's identity as bytes: different for different ones, the same in every process."""
    try:
        return msgspec.msgpack.encode((name, text))
    except (TypeError, OverflowError):  # a name may be anything hashable
        return repr((name, text)).encode()


def _as_double(value: object) -> float:
    """Return a number as a double, NaN where the neuron would refuse it."""
    try:
        x: float = number(value)
    except (TypeError, OverflowError):
        return math.nan
    return x


def check_hash_bits(bits: int | None) -> int:
    """Return a number of bits; raise ValueError unless it is a whole number from 1 to 30."""
    if not isinstance(bits, int) or isinstance(bits, bool) or not 1 <= bits <= MOST_BITS:
        raise ValueError(f"hash_bits is {bits!r}; a whole number from 1 to {MOST_BITS} was expected")
    return bits

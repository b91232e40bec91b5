"""Mean and variance over a current and a previous block of values: what lies behind both is forgotten.

Of the values seen, the first 256 are taken in, then every eighth. Blocks are 32, 64, 128 ... 4096 taken
values long, then 4096 each. So an outlier among the first values is gone after 96, and a change is
followed, while in the end the mean is over 4096 values and more.

Four numbers in a row of state: mean and variance of the current block, then of the previous one. How many
values they are of follows from how many were seen.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

if cython.compiled:
    from cython.cimports.libc.math import floor
else:
    from math import floor

SHORTEST = cython.declare(cython.double, 32.0)
LONGEST = cython.declare(cython.double, 4096.0)
ALL = cython.declare(cython.double, 256.0)
THEN = cython.declare(cython.double, 0.125)
WHOLE = cython.declare(cython.double, 4503599627370496.0)  # 2^52: a sum with it is a whole number


@cython.cfunc
@cython.exceptval(check=False)
def is_due(seen: cython.double) -> cython.bint:
    """Return whether the value that makes them ``seen`` is to be taken in."""
    return seen <= ALL or THEN * seen + WHOLE - WHOLE == THEN * seen


@cython.cfunc
@cython.exceptval(check=False)
def take(
    rows: cython.double[:, ::1],
    k: cython.Py_ssize_t,
    c: cython.Py_ssize_t,
    seen: cython.double,
    x: cython.double,
) -> cython.double:
    """Take a value that is due into row k from column c on, by Welford's updates (1962).

    Returns
    -------
    float
        The previous block's share of the values in both.
    """
    place: cython.double = seen - 1.0 if seen <= ALL else ALL - 1.0 + THEN * (seen - ALL)
    length: cython.double = SHORTEST
    previous: cython.double = 0.0
    while place >= length and length < LONGEST:
        place -= length
        previous = length
        length *= 2.0
    if place >= length:
        place -= length * floor(place / length)
        previous = length
    if place == 0.0:
        rows[k, c + 2] = rows[k, c]
        rows[k, c + 3] = rows[k, c + 1]
        rows[k, c] = x
        rows[k, c + 1] = 0.0
    else:
        before: cython.double = x - rows[k, c]
        rows[k, c] += before / (place + 1.0)
        rows[k, c + 1] += (before * (x - rows[k, c]) - rows[k, c + 1]) / (place + 1.0)
    return previous / (previous + place + 1.0)


@cython.cfunc
@cython.exceptval(check=False)
def mean(
    rows: cython.double[:, ::1], k: cython.Py_ssize_t, c: cython.Py_ssize_t, share: cython.double
) -> cython.double:
    """Return the mean over both blocks."""
    return rows[k, c] + (rows[k, c + 2] - rows[k, c]) * share


@cython.cfunc
@cython.exceptval(check=False)
def variance(
    rows: cython.double[:, ::1], k: cython.Py_ssize_t, c: cython.Py_ssize_t, share: cython.double
) -> cython.double:
    """Return the variance over both blocks, as of a whole population."""
    apart: cython.double = rows[k, c + 2] - rows[k, c]
    within: cython.double = rows[k, c + 1] + (rows[k, c + 3] - rows[k, c + 1]) * share
    return within + apart * apart * (share * (1.0 - share))

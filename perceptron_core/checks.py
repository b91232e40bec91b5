"""Checks of what a caller gives; each raises ValueError that says what was expected."""

from __future__ import annotations

import math
from collections.abc import Iterable
from numbers import Real

import numpy as np
import numpy.typing as npt


def check_known(what: str, name: str, known: Iterable[str]) -> None:
    """Raise unless ``name`` is one of ``known``."""
    if name not in [*known]:
        raise ValueError(f"{what} {name!r} is not known; it is one of {', '.join(known)}")


def check_range(
    what: str,
    value: float,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    at_most: float = math.inf,
    whole: bool = False,
) -> None:
    """Raise unless ``value`` is finite, in its range, and a whole number where ``whole``."""
    if _is_finite(value) and value > above and at_least <= value <= at_most:
        if whole and value != int(value):
            raise ValueError(f"{what} is {value!r}; a whole number was expected")
        return
    bounds = {"> ": above, "≥ ": at_least, "≤ ": at_most}
    expected = " and ".join(f"{sign}{bound:g}" for sign, bound in bounds.items() if math.isfinite(bound))
    raise ValueError(f"{what} is {value!r}; a finite number {expected} was expected")


def _is_finite(value: object) -> bool:
    """Whether it is a number that a double can hold."""
    try:
        return isinstance(value, (float, int, Real)) and math.isfinite(value)
    except OverflowError:  # an int of hundreds of digits
        return False


def check_targets(
    labels: npt.NDArray[np.float64], weights: npt.NDArray[np.float64], targets: tuple[float, float]
) -> None:
    """Raise unless labels are NaN or within ``targets``, and weights finite and ≥ 0."""
    if np.isinf(labels).any():
        raise ValueError("a label is infinite; a finite number was expected")
    if ((labels < targets[0]) | (labels > targets[1])).any():
        raise ValueError(f"a label is outside [{targets[0]:g}, {targets[1]:g}], the range of this model")
    if not (np.isfinite(weights) & (weights >= 0.0)).all():
        raise ValueError("a weight is not a finite number ≥ 0")

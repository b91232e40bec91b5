"""Metrics that the user asks for by river's names; computed by river, kept exact across restarts.

Their state goes to the head as plain data and comes back by being laid over a fresh metric of the same
name, part by part: nothing in it names a class, so nothing in it can run code.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from service.errors import ConfigurationError

_PLAIN = (type(None), bool, int, float, str)


class RiverMetrics:
    """River metrics by name, updated sample by sample.

    Parameters
    ----------
    names
        Class names in ``river.metrics``.
    task
        ``"binary"`` or ``"regression"``.

    Raises
    ------
    ConfigurationError
        A name is unknown, does not fit the task, or holds state that can't be kept.
    """

    def __init__(self, names: Sequence[str], task: str) -> None:
        self._is_binary = task == "binary"
        self._metrics = {name: _checked(name, self._is_binary) for name in names}

    def update(self, labels: npt.NDArray[np.float64], predictions: npt.NDArray[np.float64]) -> None:
        """Take a batch in: NaN labels were not given, NaN predictions were refused.

        A sample for which a metric is not defined (RMSLE below -1, an overflow) is left out of that metric.
        """
        if not self._metrics:
            return
        for y, p in zip(labels.tolist(), predictions.tolist(), strict=True):
            if y == y and p == p:
                for metric in self._metrics.values():
                    with suppress(ArithmeticError, ValueError):
                        _update(metric, y, p, self._is_binary)

    def values(self) -> dict[str, float]:
        """Return the metrics by name."""
        return {name: float(metric.get()) for name, metric in self._metrics.items()}

    def state(self) -> bytes:
        """Return the state of all metrics."""
        return msgspec.msgpack.encode({name: _dump(metric, set()) for name, metric in self._metrics.items()})

    def load(self, state: bytes) -> None:
        """Go on from a :meth:`state`; a metric that it does not hold starts anew."""
        stored = msgspec.msgpack.decode(state)
        self._metrics = {name: _new(name) for name in self._metrics}
        for name, metric in self._metrics.items():
            if name in stored:
                _load(metric, stored[name])


def _checked(name: str, is_binary: bool) -> Any:
    """Return a metric after trying it out: an update, and its state there and back."""
    metric, copy = _new(name), _new(name)
    try:
        for y, p in ((1.0, 0.8), (0.0, 0.6), (1.0, 0.3)):
            _update(metric, y, p, is_binary)
        _load(copy, _dump(metric, set()))
        is_kept = float(copy.get()) == float(metric.get())
    except Exception as error:  # river's metrics raise whatever they like
        raise ConfigurationError(f"model.metrics: {name} can't be used: {error}") from None
    if not is_kept:
        raise ConfigurationError(f"model.metrics: {name} can't be kept across a restart")
    return _new(name)


def _new(name: str) -> Any:
    from river import metrics  # a second's import, only for those who ask for one

    known = [entry for entry in metrics.__all__ if entry != "base"]
    if name not in known:
        raise ConfigurationError(f"model.metrics: {name!r} is none of river's: {', '.join(known)}")
    return getattr(metrics, name)()


def _update(metric: Any, y: float, p: float, is_binary: bool) -> None:
    """Update as river's own progressive validation does."""
    if not is_binary:
        metric.update(y, p)
    elif getattr(metric, "requires_labels", True):
        metric.update(y > 0.5, p > 0.5)
    else:
        metric.update(y > 0.5, {False: 1.0 - p, True: p})


def _dump(thing: Any, seen: set[int]) -> Any:
    """Return an object's state as plain data; what is shared is kept where it is met first."""
    if isinstance(thing, _PLAIN):
        return thing
    if isinstance(thing, list):
        return [_dump(item, seen) for item in thing]
    if isinstance(thing, set):
        return sorted(thing)
    if isinstance(thing, dict):
        return [[key, _dump(value, seen)] for key, value in thing.items()]
    if not (type(thing).__module__.startswith("river.") and hasattr(thing, "__dict__")):
        raise TypeError(f"its state holds a {type(thing).__name__}, which can't be kept")
    if id(thing) in seen:
        return None
    seen.add(id(thing))
    return {name: _dump(value, seen) for name, value in vars(thing).items()}


def _load(thing: Any, state: Any) -> Any:
    """Lay a dumped state over an object of the same make; return what takes its place."""
    if isinstance(thing, list) and len(thing) == len(state):
        return [_load(item, part) for item, part in zip(thing, state, strict=True)]
    if isinstance(thing, set):
        return set(state)
    if isinstance(thing, dict):
        for key, part in state:
            thing[key] = _load(thing[key] if hasattr(thing, "default_factory") else thing.get(key), part)
        return thing
    if hasattr(thing, "__dict__"):
        if state is not None:
            for name, part in state.items():
                setattr(thing, name, _load(getattr(thing, name), part))
        return thing
    return state

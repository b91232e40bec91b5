"""Metrics that the user asks for by river's names; computed by river, kept exact across restarts.

Their state goes to the head as plain data and comes back by being laid over a fresh metric of the same
name (:mod:`service.plain`): it can't run code.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from service.errors import ConfigurationError
from service.plain import dump, restore


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
        return msgspec.msgpack.encode({name: _dump(metric, name) for name, metric in self._metrics.items()})

    def load(self, state: bytes) -> None:
        """Go on from a :meth:`state`; a metric that it does not hold starts anew."""
        stored = msgspec.msgpack.decode(state, type=dict[str, dict[str, bytes]])
        self._metrics = {
            name: restore(stored[name], _new(name)) if name in stored else _new(name)
            for name in self._metrics
        }


def _checked(name: str, is_binary: bool) -> Any:
    """Return a metric after trying it out: an update, and its state there and back."""
    metric = _new(name)
    try:
        for y, p in ((1.0, 0.8), (0.0, 0.6), (1.0, 0.3)):
            _update(metric, y, p, is_binary)
        copy = restore(_dump(metric, name), _new(name))
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


def _dump(metric: Any, name: str) -> dict[str, bytes]:
    return dump(metric, _new(name)).parts

"""Any river pipeline in the neuron's place: predict, guard, learn; state in blocks; commit and rollback.

It has what :mod:`service.learner` and :mod:`service.model_log` need of a model. A sample that fails leaves
no trace: the pipeline goes back to the last known state and the samples since are taken in again without
it. So a good sample costs nothing beyond river itself, a batch one dump of the state, in proportion to its
size, and a bad sample a restore, a dump and the replay of the batch up to it.

A state that has become infinite or NaN is noticed at the end of the batch, whatever the predictions say;
the sample that did it is found by halving the batch. Inside river's compiled statistics and below an
unknown kind of object infinity can't be told from a beginning: numbers beyond ±1e75 are refused up front.

Do: what the neuron does. Do not: know which estimators there are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron_core import Rejection
from service.pipelines.blocks import Blocks, Entry
from service.pipelines.estimator import RiverEstimator, rejection_of


@dataclass(frozen=True)
class Snapshot:
    """A state: what is stored of it, its hash, and where its numbers are not finite."""

    version: int
    parts: dict[str, bytes]
    hash: str
    broken: set[str]


@dataclass
class _Run:
    """A batch on its way through."""

    samples: Sequence[dict[str, Any]]
    labels: list[float]
    weights: list[float]
    predictions: npt.NDArray[np.float64]
    refused: list[tuple[int, Rejection]]


class PipelineModel:
    """A river estimator as the service's model.

    Parameters
    ----------
    make
        Returns a fresh estimator, the same each time.
    name
        ``module:factory``, for messages.
    task
        ``"binary"`` or ``"regression"``.
    allow_pickle
        Whether a state that can't be kept as plain data is pickled.
    """

    bias = None  # what a pipeline has of its own is its own affair
    n_features = 0
    takes_rows = False

    def __init__(self, make: Callable[[], Any], name: str, task: str, allow_pickle: bool) -> None:
        self.version = 0
        self._estimator = RiverEstimator(make, name, task, allow_pickle)
        self._blocks = Blocks()
        self._is_touched = False
        self._snapshot: Snapshot | None = None
        self._staged: Snapshot | None = None
        self._committed = self._now()

    @property
    def config(self) -> dict[str, Any]:
        """What it is, for a person."""
        return {
            "pipeline": self._estimator.name,
            "state": "pickled" if self._estimator.is_pickled else "plain data",
        }

    def predict_learn_many(
        self,
        samples: Sequence[dict[str, Any]],
        labels: Sequence[float] | npt.NDArray[np.float64],
        weights: Sequence[float] | None,
        rejections: list[tuple[int, Rejection]],
    ) -> npt.NDArray[np.float64]:
        """Predict, then learn, sample by sample; NaN where a sample was refused."""
        self._is_touched = True
        count = len(samples)
        run = _Run(
            samples=samples,
            labels=[float(label) for label in labels],
            weights=[1.0] * count if weights is None else list(weights),
            predictions=np.full(count, math.nan),
            refused=[],
        )
        self._take(run, range(count))
        rejections.extend(run.refused)
        return run.predictions

    def _take(self, run: _Run, rows: range) -> None:
        """Take samples in; where one fails, go back, take in those before it, and go on without it."""
        while rows:
            before = self._now()
            failure = self._attempt(run, rows)
            if failure is None and not self._now().broken - before.broken:
                return
            self._go_to(before)
            known = len(run.refused)
            if failure is not None:
                failed, rejection = failure
                self._take(run, rows[: failed - rows.start])
                rows = rows[failed - rows.start :]
            elif len(rows) > 1:
                self._take(run, rows[: len(rows) // 2])
                rows = rows[len(rows) // 2 :]
                continue
            else:
                failed, rejection = rows.start, Rejection("diverged", self._broken_message(run, rows.start))
            if len(run.refused) == known:  # else the sample may have failed by the fault of one before it
                run.refused.append((failed, rejection))
                run.predictions[failed] = math.nan
                rows = rows[1:]

    def _attempt(self, run: _Run, rows: range) -> tuple[int, Rejection] | None:
        """Predict and learn sample by sample; return the first that failed, and why."""
        self._snapshot = None
        for row in rows:
            try:
                features, label = _without_nulls(run.samples[row]), run.labels[row]
                run.predictions[row] = self._estimator.predict_learn(features, label, run.weights[row])
            except MemoryError:
                raise
            except Exception as error:  # river, and a user's own steps, raise whatever they like
                return row, rejection_of(error)
            self.version += label == label
        return None

    def _broken_message(self, run: _Run, row: int) -> str:
        return f"learning from it, after predicting {run.predictions[row]:g}, makes the state non-finite"

    # State

    def scalars(self) -> list[float]:
        """Return nothing: all state is in blocks."""
        return []

    def hash(self) -> str:
        """Return a fingerprint of the working state: 32 hex digits."""
        return self._now().hash

    def stage(self) -> None:
        """Set the working state apart as what :meth:`commit` will commit."""
        if self._staged is not None:
            raise RuntimeError("a state is staged already: commit it or roll back")
        self._staged = self._set_apart()

    def _set_apart(self) -> Snapshot:
        """Return the working state; from here on it is clean."""
        if self._is_touched:  # else it is not written yet
            self._blocks.stage(self._now().parts)
        return self._now()

    def commit(self) -> None:
        """Make the staged state the committed one; the working one where none was staged."""
        self._committed, self._staged = self._staged or self._set_apart(), None
        self._blocks.commit()

    def rollback(self) -> None:
        """Go back to the committed state, whatever was staged or learned since."""
        self._staged = None
        self._blocks.rollback()
        self._is_touched = self._blocks.are_stored
        if self._snapshot is not self._committed:
            self._go_to(self._committed)

    def dirty_blocks(self) -> list[int]:
        """Return the blocks that differ from the staged state, or else the committed one, in order."""
        return self._blocks.dirty(self._now().parts)

    def grown_blocks(self) -> list[int]:
        """Return the blocks whose names differ from the staged or committed state, in order."""
        return self._blocks.renamed(self._now().parts)

    def block(self, number: int) -> bytes:
        """Return the content of a block; empty where it is not used any more."""
        return self._blocks.numbered(self._now().parts).get(number, ("", b""))[1]

    def names(self, number: int) -> list[Entry]:
        """Return what a block holds: the key of a part of the state, and which piece of it."""
        numbered = self._blocks.numbered(self._now().parts)
        return [(key, str(index)) for key, index in [numbered[number][0]]] if number in numbered else []

    def load(
        self, version: int, scalars: Sequence[float], blocks: Iterable[tuple[int, list[Entry], bytes]]
    ) -> None:
        """Overwrite blocks of the state; those that are not given stay as they are.

        Raises
        ------
        ValueError
            They do not fit together; :meth:`rollback` undoes what was done.
        ConfigurationError
            They hold a pickle, which ``model.allow_pickle`` does not allow.
        """
        given = list(blocks)
        if version < 0 or scalars:
            raise ValueError(f"version {version} with {len(scalars)} scalars; ≥ 0 with none was expected")
        self.version, self._snapshot = version, None
        if given:
            self._is_touched = True
            parts = self._blocks.parts_with(given)
            self._estimator.restore(parts)
            self._snapshot = replace(self._now(), parts=parts)  # a second pickle may differ from the first

    def _now(self) -> Snapshot:
        """Return the working state; taken once until something is learned."""
        if self._snapshot is None:
            parts, state = self._estimator.dumped()
            self._snapshot = Snapshot(self.version, parts, state.hash(), state.broken)
        return self._snapshot

    def _go_to(self, snapshot: Snapshot) -> None:
        self._estimator.restore(snapshot.parts)
        self.version, self._snapshot = snapshot.version, snapshot


def _without_nulls(features: dict[str, Any]) -> dict[str, Any]:
    """Return a copy, of the same class, without the features that are missing."""
    kept = features.copy()
    for name in [name for name, value in features.items() if value is None]:
        del kept[name]
    return kept

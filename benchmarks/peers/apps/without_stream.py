"""Learners that bring no stream: predict and learn the samples of a file, and write predictions to another.

``python without_stream.py FILE OUTPUT COUNT SHAPE river|sklearn``
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.peers.apps.clock import BATCH, Clock
from benchmarks.peers.apps.river_model import RATE, Answer


class ScikitLearn:
    """A scaler and a classifier, ``partial_fit`` one sample at a time; numbers only."""

    def __init__(self) -> None:
        from sklearn.linear_model import SGDClassifier
        from sklearn.preprocessing import StandardScaler

        self._scaler = StandardScaler()
        self._model = SGDClassifier(loss="log_loss", alpha=0.0, learning_rate="constant", eta0=RATE)

    def __call__(self, value: bytes) -> bytes:
        """Answer a sample."""
        sample = json.loads(value)
        row = [list(sample["features"].values())]
        known = hasattr(self._model, "coef_")
        probability = self._model.predict_proba(self._scaler.transform(row))[0, 1] if known else 0.5
        scaled = self._scaler.partial_fit(row).transform(row)
        self._model.partial_fit(scaled, [sample["label"]], classes=[0, 1])
        return json.dumps({"id": sample["id"], "probability": float(probability)}).encode()


def learner(name: str, shape: str) -> Callable[[bytes], Any]:
    """Return the function from a line to its answer."""
    return Answer(shape) if name == "river" else ScikitLearn()


def main() -> None:
    """Answer so many lines."""
    file, output, count, shape, name = sys.argv[1:]
    answer, clock, done = learner(name, shape), Clock(), 0
    with Path(file).open("rb") as lines, Path(output).open("wb") as answers:
        for line in lines:
            answers.write(answer(line) + b"\n")
            done += 1
            if done % min(BATCH, int(count) // 4) == 0 or done == int(count):
                clock.done(done)
            if done == int(count):
                break
    clock.print()


if __name__ == "__main__":
    main()

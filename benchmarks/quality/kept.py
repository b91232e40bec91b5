"""Scores that were worked out before: peers and hindsight are slow, and don't change.

They are kept by contender, version of its library, and digest of the rows. Delete the file to start anew.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from benchmarks.quality.contenders import Contender
from benchmarks.quality.datasets import Dataset
from benchmarks.quality.scoring import Score, evaluate

FILE = Path("build/quality/scores.jsonl")


class Kept:
    """A file of scores, one a line, added to as they are worked out."""

    def __init__(self, file: Path = FILE) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
        self._file = file
        self._scores = dict(map(json.loads, file.read_text().splitlines()))

    def score(self, contender: Contender, dataset: Dataset) -> Score:
        """Return the score from the file, or work it out and keep it."""
        key = f"{contender.name} {contender.version} {dataset.name} {dataset.digest}"
        if key not in self._scores:
            self._scores[key] = asdict(evaluate(contender.make, dataset))
            with self._file.open("a") as file:
                file.write(json.dumps([key, self._scores[key]]) + "\n")
        return Score(**self._scores[key])

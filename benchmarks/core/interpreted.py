"""The same core without its compiled modules, timed in a process of its own.

``python -m benchmarks.core.interpreted WIDTH COUNT`` prints seconds and predictions as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.core.contenders import Contender, many
from benchmarks.core.samples import Samples, dense
from perceptron_core.kernel import neuron
from tests.interpreted import ROOT, copy_sources


@dataclass(frozen=True)
class Interpreted(Contender):
    """``predict_learn_many`` of a copy of the core that holds no compiled file."""

    def timed(self, samples: Samples) -> tuple[float, Sequence[float]]:
        """Return seconds and predictions; the samples are made anew in the other process."""
        size = [str(len(samples.features[0])), str(len(samples.features))]
        with tempfile.TemporaryDirectory() as folder:
            copy_sources(Path(folder), "perceptron_core", "benchmarks")
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.core.interpreted", *size],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(ROOT)])},
                stdout=subprocess.PIPE,
                check=True,
            )
        seconds, predictions = json.loads(done.stdout)
        return seconds, predictions


if __name__ == "__main__":
    assert neuron.__file__.endswith(".py"), neuron.__file__
    made = dense(*map(int, sys.argv[1:]))
    started = time.perf_counter()
    found = many()(made)
    print(json.dumps([time.perf_counter() - started, found]))

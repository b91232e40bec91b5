"""The same core without its compiled modules, timed in a process of its own.

``python -m benchmarks.core.interpreted WIDTH COUNT`` prints seconds and predictions as JSON.
"""

from __future__ import annotations

import importlib.machinery
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import perceptron_core
from benchmarks.core.contenders import Contender, many
from benchmarks.core.samples import Samples, dense
from perceptron_core.kernel import neuron


@dataclass(frozen=True)
class Interpreted(Contender):
    """``predict_learn_many`` of a copy of the core that holds no compiled file."""

    def timed(self, samples: Samples) -> tuple[float, Sequence[float]]:
        """Return seconds and predictions; the samples are made anew in the other process."""
        size = [str(len(samples.features[0])), str(len(samples.features))]
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder)
            built = [f"*{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES]
            for package in (perceptron_core.__path__[0], str(Path(__file__).parents[1])):
                ignored = shutil.ignore_patterns(*built, "__pycache__")
                shutil.copytree(package, root / Path(package).name, ignore=ignored)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.core.interpreted", *size],
                cwd=root,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([folder, str(Path(__file__).parents[2])])},
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

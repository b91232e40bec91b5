"""The compiled kernel and the interpreted one are one source: the same numbers, to the bit."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from perceptron_core.kernel import neuron
from tests.compiled import require_compiled
from tests.core import runs
from tests.interpreted import copy_sources


@pytest.fixture(autouse=True)
def _compiled() -> None:
    require_compiled("kernel", not neuron.__file__.endswith(".py"), "gcc")


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the core and of the runs without any compiled file."""
    root = tmp_path_factory.mktemp("sources")
    copy_sources(root, "perceptron_core")
    (root / "tests" / "core").mkdir(parents=True)
    for name in ("__init__.py", "core/runs.py", "core/samples.py"):
        shutil.copy(Path(runs.__file__).parents[1] / name, root / "tests" / name)
    return root


def test_compiled_is_interpreted_to_the_bit(sources: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(sources)}
    command = [sys.executable, "-m", "tests.core.runs"]
    done = subprocess.run(
        command, cwd=sources, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    interpreted = done.stdout.splitlines()
    assert interpreted[0] == "interpreted"
    assert [str(line) for line in runs.results()] == interpreted[1:]

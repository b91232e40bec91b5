"""The benchmarks run: each checks what its contenders wrote before their times count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = {
    "attacks": ["--seconds", "1", "--rounds", "1"],
    "stream": ["--samples", "20000", "--rounds", "1", "--only", "ours", "bare"],
    "latency": ["--only", "latency", "freshness", "--contenders", "ours", "--seconds", "1", "--rounds", "1"],
}


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.parametrize("part", PARTS)
def test_a_benchmark_runs_and_finds_the_outputs_right(part: str, kafka_bootstrap: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{part}", *PARTS[part]],
        cwd=ROOT,
        env={**os.environ, "KAFKA_BOOTSTRAP": kafka_bootstrap},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert {"attacks": "| left alone |"}.get(part, "| ours, confluent |") in ran.stdout
    assert "wrong output" not in ran.stdout

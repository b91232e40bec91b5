"""The benchmarks run: each checks what its contenders wrote before their times count."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SHORT = ["--rounds", "1"]
OURS = "| ours, confluent |"


@pytest.mark.slow
@pytest.mark.kafka
@pytest.mark.parametrize(
    ("part", "arguments", "row"),
    [
        ("attacks", ["--seconds", "1"], "| left alone |"),
        ("stream", ["--samples", "20000", "--only", "ours", "bare"], OURS),
        ("shapes", ["--samples", "20000", "--shapes", "sparse", "--only", "ours, confluent"], OURS),
        ("latency", ["--seconds", "1", "--only", "latency", "freshness", "--contenders", "ours"], OURS),
    ],
)
def test_a_benchmark_runs_and_finds_the_outputs_right(
    part: str, arguments: list[str], row: str, kafka_bootstrap: str
) -> None:
    ran = subprocess.run(
        [sys.executable, "-m", f"benchmarks.{part}", *SHORT, *arguments],
        cwd=ROOT,
        env={**os.environ, "KAFKA_BOOTSTRAP": kafka_bootstrap},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    assert row in ran.stdout
    assert "wrong output" not in ran.stdout

"""Prometheus's own tools: where they are missing tests are skipped, in CI they fail."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tests.kafka_broker import give_up

DEPLOY = Path(__file__).parents[2] / "deploy"


def found(program: str) -> str:
    """Return where a program is."""
    path = shutil.which(program)
    if path is None:
        give_up(f"{program} is not installed (Debian: apt-get install prometheus)")
    return path


def promtool(*words: str, stdin: bytes = b"") -> None:
    """Run a check; what it finds fails the test."""
    done = subprocess.run([found("promtool"), *words], input=stdin, capture_output=True, timeout=60)
    said = (done.stdout + done.stderr).decode(errors="replace")
    assert done.returncode == 0, said

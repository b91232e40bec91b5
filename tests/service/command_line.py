"""Running ``perceptron`` as a user does: a process of its own, in a directory of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
DEADLINE_S = 60.0


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a user who has set nothing, or these variables."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PERCEPTRON_")}
    # Tests run side by side, and there is one port 8080: those of HTTP turn it on.
    quiet = {"PERCEPTRON_HTTP__ENABLED": "false", "COLUMNS": "200", "NO_COLOR": "1"}
    return {**inherited, "PYTHONPATH": str(ROOT), **quiet, **(variables or {})}


def perceptron(
    home: Path,
    *words: str,
    stdin: bytes = b"",
    code: int | None = 0,
    variables: Mapping[str, str] | None = None,
) -> Any:
    """Run a command to its end; the result has ``stdout`` and ``stderr`` as bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "service", *words],
        cwd=home,
        env=environment(variables),
        input=stdin,
        capture_output=True,
        timeout=DEADLINE_S,
    )
    said = done.stderr.decode(errors="replace")
    assert "Traceback" not in said, said
    assert code is None or done.returncode == code, (done.returncode, said)
    return done


def answer(home: Path, *words: str, **how: Any) -> str:
    """Run a command and return what it wrote to stdout."""
    return str(perceptron(home, *words, **how).stdout.decode())


@contextmanager
def running(
    home: Path, *words: str, variables: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command; it is killed when it is still there at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "service", *words],
        cwd=home,
        env=environment(variables),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()

"""Starts a program of ``benchmarks/peers/apps`` in a process of its own, and reads its clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.report import ROOT, progress

ENVIRONMENT = ROOT / "build" / "peers-venv"
PACKAGES = ("quixstreams", "vowpalwabbit", "river")
TIMEOUT_S = 900
PIPES: Any = {"capture_output": True, "text": True}


class NotInstalled(Exception):
    """A peer cannot be had on this machine; its row says so, and the run goes on."""


def clients() -> dict[str, str]:
    """Return the environment in which a program finds the project's modules."""
    return {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


def timed(module: str, *arguments: object, python: str = sys.executable) -> dict[str, float]:
    """Run a program to its end and return its ``seconds`` and ``cpu_seconds``."""
    command = [python, "-m", f"benchmarks.peers.apps.{module}", *map(str, arguments)]
    done = subprocess.run(command, env=clients(), **PIPES, timeout=TIMEOUT_S)
    if done.returncode != 0:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stdout[-1000:]}{done.stderr[-3000:]}")
    times: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return times


def python_with(package: str) -> str:
    """Return the Python of the peers' own environment.

    Raises
    ------
    NotInstalled
        The package could not be installed.
    """
    python = environment()
    if subprocess.run([python, "-c", f"import {package}"], capture_output=True).returncode != 0:
        raise NotInstalled(package)
    return str(python)


def environment() -> Path:
    """Return the Python of an environment for packages whose pins are not ours; made where it is not there.

    Package by package, so that one that cannot be had does not take the others along.
    """
    python = ENVIRONMENT / "bin" / "python"
    if not python.exists():
        progress(f"installing {', '.join(PACKAGES)} into {ENVIRONMENT}")
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        for package in PACKAGES:
            subprocess.run([python, "-m", "pip", "install", "--quiet", package], capture_output=True)
    return python


def peer_versions(*packages: str) -> dict[str, str]:
    """Return the versions in the peers' environment."""
    code = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    told = {package: subprocess.run([environment(), "-c", code, package], **PIPES) for package in packages}
    return {package: done.stdout.strip() or "not installed" for package, done in told.items()}

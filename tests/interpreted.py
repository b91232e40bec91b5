"""Copies of the sources without their compiled files, to be run interpreted in another process."""

from __future__ import annotations

import importlib.machinery
import shutil
from pathlib import Path

ROOT = Path(__file__).parents[1]


def copy_sources(into: Path, *packages: str) -> None:
    """Copy packages of the project."""
    built = [f"*{suffix}" for suffix in importlib.machinery.EXTENSION_SUFFIXES]
    for package in packages:
        shutil.copytree(ROOT / package, into / package, ignore=shutil.ignore_patterns(*built, "__pycache__"))

"""Which version of this package runs."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def own_version(unknown: str = "unknown") -> str:
    """Return the version of this package, or ``unknown`` where it is run from its bare sources."""
    try:
        return version("perceptron-stream")
    except PackageNotFoundError:
        return unknown

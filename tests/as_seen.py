"""Features as the neuron sees them, however they were read."""

from __future__ import annotations

from typing import Any

from perceptron_core.kernel import Row


def as_seen(features: dict[str, Any] | Row) -> list[tuple[str, str | float]]:
    """Return what is left of a sample's features when nothing is null and every number is a double."""
    items = (features.features() if isinstance(features, Row) else features).items()
    return [(name, x if isinstance(x, str) else float(x)) for name, x in items if x is not None]

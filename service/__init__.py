"""The streaming service around the neuron: exact commits, on SQLite or Kafka."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.follower import ModelFollower

__all__ = ["ModelFollower"]


def __getattr__(name: str) -> Any:
    """Return what the package offers; imported when asked for, because the command line starts here, too."""
    if name == "ModelFollower":
        from service.follower import ModelFollower

        return ModelFollower
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

"""What a campaign returns: a row for each kind of fault."""

from __future__ import annotations

Table = list[dict[str, object]]


def row(scenario: str, kind: str, boundaries: int, states: int, distinct: int, divergences: int) -> Table:
    """Return a table of one row; ``boundaries`` are the places between two operations that were tried."""
    return [
        {
            "scenario": scenario,
            "kind": kind,
            "boundaries": boundaries,
            "states": states,
            "distinct": distinct,
            "divergences": divergences,
        }
    ]

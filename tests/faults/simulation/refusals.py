"""How the model broker says no: by the protocol's names."""

from __future__ import annotations

RETRIED = {"CONCURRENT_TRANSACTIONS", "COORDINATOR_LOAD_IN_PROGRESS", "NOT_COORDINATOR", "NETWORK_EXCEPTION"}
"""What a client asks again after, by itself."""


class Refused(Exception):
    """An answer with an error, or none at all; ``name`` is the protocol's, or the client's."""

    def __init__(self, name: str, detail: str = "") -> None:
        super().__init__(f"{name}: {detail}")
        self.name = name
        self.detail = detail

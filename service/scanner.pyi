from collections.abc import Callable, Sequence
from typing import Any

class Scanner:
    def __init__(
        self,
        fields: Sequence[str],
        target: Callable[[Any], float],
        label_types: Sequence[type],
        max_bytes: int,
        max_id: int,
    ) -> None: ...
    def scan(self, values: Sequence[bytes | None], row: int, samples: Any) -> int: ...

"""An observer that is told now and listens later: what it needs is imported when the engine is at work."""

from __future__ import annotations

import threading
from functools import partial
from typing import Any

from service.observer import EVENTS, Observer


class Later(Observer):
    """Keeps what it is told until there is another to tell it to, and passes everything on from then."""

    def __init__(self) -> None:
        self._telling = threading.Lock()
        self._kept: list[tuple[str, tuple[Any, ...]]] = []
        self._observer: Observer | None = None
        for name in EVENTS:
            setattr(self, name, partial(self._tell, name))

    def become(self, observer: Observer) -> None:
        """Tell another what was kept, in order, and from now on everything."""
        with self._telling:
            for name, news in self._kept:
                getattr(observer, name)(*news)
            self._kept = []
            self._observer = observer

    def _tell(self, name: str, *news: Any) -> None:
        with self._telling:
            if self._observer is None:
                self._kept.append((name, news))
            else:
                getattr(self._observer, name)(*news)

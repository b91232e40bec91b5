"""How a bug is planted: what stands in place of what, under which name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock


@dataclass(frozen=True)
class Planted:
    """A bug."""

    name: str
    what: str  # in one line
    place: Any
    attribute: str
    instead: Any
    by: tuple[str, ...] = ()  # the kinds of faults that bring it out, where all of them would seldom do

    @contextmanager
    def switched_on(self) -> Iterator[None]:
        """Have the bug for a while."""
        with mock.patch.object(self.place, self.attribute, self.instead):
            yield


def planted(
    place: Any, attribute: str, what: str, by: tuple[str, ...] = ()
) -> Callable[[Callable[..., Any]], Planted]:
    """Make a bug of what is decorated, in place of ``place.attribute``; ``what`` says what goes wrong."""

    def enter(instead: Callable[..., Any]) -> Planted:
        takes_property = isinstance(vars(place).get(attribute), property)
        name = instead.__name__.replace("_", " ")
        return Planted(name, what, place, attribute, property(instead) if takes_property else instead, by)

    return enter

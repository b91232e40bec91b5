"""What SQLite asks of a disk, and what a disk may hold when the power goes.

A write is certain once its file was synced, the making or removal of a file once its directory was;
until then each of them is there or not, whole or in part, in whatever order the disk likes. A process
that dies leaves all it has asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import NamedTuple

Image = dict[str, bytes]
"""The files of a directory, by name."""


class Create(NamedTuple):
    """A file comes into being."""

    file: str


class Delete(NamedTuple):
    """A file goes; ``synced`` where its directory is synced at once."""

    file: str
    synced: bool


class Write(NamedTuple):
    """Bytes go to a place in a file."""

    file: str
    offset: int
    data: bytes


class Truncate(NamedTuple):
    """A file is cut."""

    file: str
    size: int


class Sync(NamedTuple):
    """A file is synced; where it is a new journal, its directory too."""

    file: str
    directory: bool


class Ack(NamedTuple):
    """The stream has said that this many records are in, and that this many are learned."""

    produced: int
    learned: int


NOTHING = Ack(0, 0)

Operation = Create | Delete | Write | Truncate | Sync | Ack


class Pending(NamedTuple):
    """An operation that is not certain yet; a file keeps its number, whatever becomes of its name."""

    number: int
    operation: Create | Delete | Write | Truncate

    @property
    def is_of_directory(self) -> bool:
        """Whether syncing the directory makes it certain."""
        return isinstance(self.operation, Create | Delete)


@dataclass(frozen=True)
class Disk:
    """What is certain, what is pending, and what was acknowledged; :meth:`after` returns another.

    Attributes
    ----------
    contents, names
        Certain: contents by file number, and the number by name.
    seen
        The number by name, as the running process sees it.
    """

    contents: dict[int, bytes]
    names: dict[str, int]
    seen: dict[str, int]
    pending: tuple[Pending, ...] = ()
    ack: Ack = NOTHING

    @staticmethod
    def of(image: Image, ack: Ack = NOTHING) -> Disk:
        """Return a disk that certainly holds these files, and should hold what was acknowledged."""
        numbers = {name: number for number, name in enumerate(image)}
        return Disk(dict(enumerate(image.values())), numbers, numbers, ack=ack)

    def after(self, operation: Operation) -> Disk:
        """Return the disk that this operation makes of it."""
        match operation:
            case Ack():
                return replace(self, ack=Ack(*map(max, self.ack, operation)))
            case Sync(file, directory):
                return self._synced(self.seen[file], directory)
            case Create(file):
                number = len(self.contents)
                seen = {**self.seen, file: number}
                disk = replace(self, contents={**self.contents, number: b""}, seen=seen)
                return disk._with(Pending(number, operation))
            case Delete(file, synced):
                seen = {name: number for name, number in self.seen.items() if name != file}
                disk = replace(self, seen=seen)._with(Pending(self.seen[file], operation))
                return disk._synced(-1, directory=True) if synced else disk
            case Write(file) | Truncate(file):
                return self._with(Pending(self.seen[file], operation))

    def _with(self, pending: Pending) -> Disk:
        return replace(self, pending=(*self.pending, pending))

    def _synced(self, number: int, directory: bool) -> Disk:
        def is_certain(one: Pending) -> bool:
            return directory if one.is_of_directory else one.number == number

        contents, names = self._applied(filter(is_certain, self.pending))
        left = tuple(one for one in self.pending if not is_certain(one))
        return replace(self, contents=contents, names=names, pending=left)

    def _applied(self, survivors: Iterable[Pending]) -> tuple[dict[int, bytes], dict[str, int]]:
        contents, names = dict(self.contents), dict(self.names)
        for number, operation in survivors:
            match operation:
                case Create(file):
                    names[file] = number
                case Delete(file):
                    names.pop(file, None)
                case Write(_, offset, data):
                    old = contents[number].ljust(offset, b"\0")
                    contents[number] = old[:offset] + data + old[offset + len(data) :]
                case Truncate(_, size):
                    contents[number] = contents[number][:size].ljust(size, b"\0")
        return contents, names

    def image(self, survivors: Iterable[Pending]) -> Image:
        """Return the files that are there when of all that is pending only these survive."""
        contents, names = self._applied(survivors)
        return {name: contents[number] for name, number in names.items()}

"""Every state in which a crash may leave a disk."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from tests.faults.embedded.life import Boot
from tests.faults.embedded.operations import Disk, Image, Pending, Write

PROCESS = "process crash"
SECTOR_BYTES = 512
RANDOM_SUBSETS = 4


@dataclass(frozen=True)
class Crash:
    """One end of a life: what of the pending operations survives it, and how the next life begins."""

    kind: str
    disk: Disk
    survivors: tuple[Pending, ...]
    boot: Boot

    @cached_property
    def image(self) -> Image:
        """The files that are found after it."""
        return self.disk.image(self.survivors)

    @cached_property
    def digest(self) -> bytes:
        """Equal where the next life is: same files, same ids, same clock."""
        digest = hashlib.blake2b(repr(self.boot).encode())
        for name, content in sorted(self.image.items()):
            digest.update(f"{name} {len(content)} ".encode() + content)
        return digest.digest()

    @property
    def disk_after(self) -> Disk:
        """The disk that the next life begins with: a power cut makes certain whatever survived it."""
        return self.disk if self.kind == PROCESS else Disk.of(self.image, self.disk.ack)


def process_crash(disk: Disk, boot: Boot) -> Crash:
    """Return the crash that leaves all that was asked for."""
    return Crash(PROCESS, disk, disk.pending, boot.after_process_crash())


def power_cuts(disk: Disk, boot: Boot, random_: random.Random) -> Iterator[Crash]:
    """Yield the crashes that leave some of what was not synced."""

    def cut(kind: str, survivors: tuple[Pending, ...]) -> Crash:
        return Crash(kind, disk, survivors, boot.after_power_cut())

    pending = disk.pending
    yield cut("power cut, only what was synced", ())
    if not pending:
        return
    yield cut("power cut, all", pending)
    for number, one in enumerate(pending):
        yield cut("power cut, one missing", pending[:number] + pending[number + 1 :])
        yield cut("power cut, one alone", (one,))
    for torn in _torn(pending[-1], random_):
        yield cut("power cut, last one torn", (*pending[:-1], torn))
    for _ in range(RANDOM_SUBSETS):
        yield cut("power cut, any of them, whole or torn", tuple(_some(pending, random_)))


def _torn(pending: Pending, random_: random.Random) -> Iterator[Pending]:
    """Yield what may be left of a write: a head or a tail, by sectors or bytes, or its length in zeros."""
    number, operation = pending
    if not isinstance(operation, Write) or len(operation.data) < 2:
        return
    file, offset, data = operation
    at = random_.randrange(1, len(data))
    for split in {at, max(at // SECTOR_BYTES, 1) * SECTOR_BYTES, len(data) // 2}:
        if split < len(data):
            yield Pending(number, Write(file, offset, data[:split]))
            yield Pending(number, Write(file, offset + split, data[split:]))
    yield Pending(number, Write(file, offset, bytes(len(data))))


def _some(pending: tuple[Pending, ...], random_: random.Random) -> Iterator[Pending]:
    for one in pending:
        torn = list(_torn(one, random_))
        if torn and random_.random() < 0.2:
            yield random_.choice(torn)
        elif random_.random() < 0.5:
            yield one

"""A member and writer in a process of its own, to be frozen and killed; driven line by line.

``python -m tests.contracts.other_process KIND ADDRESS GROUP TOPIC WRITER INSTANCE_ID`` joins, says
``seated`` once shard 0 is its own, has fenced, and then obeys ``prove``, ``commit`` and ``stall`` (write
half a transaction, say so, and never go on).
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Self, overload

from service.streams.port import CommitFailed, Membership, Writer
from tests.contracts.rig import SESSION_TIMEOUT_MS, Rig, open_kind, output, wait_until
from tests.faults.simulation.neighbour import Neighbour

STALLED_RECORDS = 3000


class StallingValues(Sequence[bytes]):
    """Many values; whoever takes one from the middle waits forever."""

    def __len__(self) -> int:
        return STALLED_RECORDS

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index >= len(self):
            raise IndexError(index)
        if index == len(self) - 1:
            print("stalled", flush=True)
            threading.Event().wait()
        return b"never to be seen " * 20


def _obey(command: str, topic: str, writer: Writer, member: Membership) -> str:
    if command == "prove":
        return str(member.prove())
    values = StallingValues() if command == "stall" else [b"from the other process"]
    try:
        writer.commit([output(topic, values)], {(topic, 0): 1}, member)
    except CommitFailed as error:
        return type(error).__name__
    return "committed"


def main() -> None:
    """Join, fence, and obey."""
    kind, address, group, topic, name, instance_id = sys.argv[1:]
    with open_kind(kind, address) as stream, stream.join(group, topic, instance_id) as member:
        wait_until(lambda: member.poll() == frozenset({0}))
        with stream.fence(name) as writer:
            print("seated", flush=True)
            for line in sys.stdin:
                print(_obey(line.strip(), topic, writer, member), flush=True)


class OtherProcess:
    """The near end: start it, tell it something, freeze it; killed in the end."""

    def __init__(self, rig: Rig, group: str, topic: str, writer: str, instance_id: str = "") -> None:
        arguments = [rig.kind, rig.address, group, topic, writer, instance_id]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contracts.other_process", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.answer() == "seated"

    def answer(self) -> str:
        """Wait for its next line."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def tell(self, command: str) -> str:
        """Send a command and wait for the answer."""
        assert self._process.stdin is not None
        self._process.stdin.write(command + "\n")
        self._process.stdin.flush()
        return self.answer()

    def signal(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()


def other_process(
    rig: Rig, group: str, topic: str, writer: str, instance_id: str = ""
) -> OtherProcess | Neighbour:
    """Start a process beside ours; a model broker lives in this one, and so do its processes."""
    if rig.kind == "simulated":
        return Neighbour(rig.address, SESSION_TIMEOUT_MS, group, topic, writer, instance_id)
    return OtherProcess(rig, group, topic, writer, instance_id)


if __name__ == "__main__":
    main()

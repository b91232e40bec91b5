"""What can happen to a request on its way: each fault waits for one, happens once, and is then counted."""

from __future__ import annotations

import asyncio
import struct
from contextlib import suppress
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.broker.proxy import Link, Proxy

ANSWER_S = 10.0


class Api(IntEnum):
    """The requests that faults are made of, by the protocol's numbers."""

    PRODUCE = 0
    FETCH = 1
    LIST_OFFSETS = 2
    METADATA = 3
    OFFSET_COMMIT = 8
    FIND_COORDINATOR = 10
    JOIN_GROUP = 11
    HEARTBEAT = 12
    SYNC_GROUP = 14
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS_TO_TXN = 24
    ADD_OFFSETS_TO_TXN = 25
    END_TXN = 26
    TXN_OFFSET_COMMIT = 28


@dataclass
class Fault:
    """Nothing happens; the kinds below say what does."""

    api: Api
    outcome: str = field(default="", init=False)  # what the broker made of it, where that is known

    @property
    def kind(self) -> str:
        """Name the fault for a table."""
        return "nothing"

    async def on_request(self, link: Link, frame: bytes) -> bool:
        """Whether the request goes on to the broker."""
        return True

    async def on_reply(self, link: Link, frame: bytes) -> bool:
        """Whether the reply goes on to the client."""
        return True


@dataclass
class Cut(Fault):
    """The connection ends before the request has gone out."""

    reset: bool = True

    @property
    def kind(self) -> str:
        return f"cut by a {'reset' if self.reset else 'close'}"

    async def on_request(self, link: Link, frame: bytes) -> bool:
        link.cut(self.reset)
        return False


@dataclass
class CutReply(Fault):
    """The request is served, and the connection ends after ``part`` of the reply."""

    part: float = 0.0

    @property
    def kind(self) -> str:
        return "cut within the reply" if self.part else "reply lost, connection cut"

    async def on_reply(self, link: Link, frame: bytes) -> bool:
        link.to_client.write(frame[: int(len(frame) * self.part)])
        with suppress(OSError):
            await link.to_client.drain()
        link.cut(reset=not self.part)  # a reset would take back what was written
        return False


@dataclass
class Lose(Fault):
    """The request is served, the reply is lost, and the connection stays."""

    @property
    def kind(self) -> str:
        return "reply lost"

    async def on_reply(self, link: Link, frame: bytes) -> bool:
        return False


@dataclass
class Delay(Fault):
    """The request, and whatever follows it on its connection, comes later."""

    seconds: float = 0.5

    @property
    def kind(self) -> str:
        return "delayed"

    async def on_request(self, link: Link, frame: bytes) -> bool:
        await asyncio.sleep(self.seconds)
        return True


@dataclass
class BlackHole(Fault):
    """Whatever is sent either way disappears for a while; what lost something by it is cut after that."""

    seconds: float = 1.0

    @property
    def kind(self) -> str:
        return "black hole"

    async def on_request(self, link: Link, frame: bytes) -> bool:
        link.proxy.darken(self.seconds)
        return True  # into the hole


@dataclass
class Hold(Fault):
    """One EndTxn is kept back, and comes to the broker right before a later reply comes to the client.

    Attributes
    ----------
    until
        The reply that it overtakes: of a retry, of a recovery, or of the next transaction.
    cut
        Whether the client is told at once that its connection is gone; else it waits in vain.
    fresh
        Whether the request comes by a connection of its own, else by its old one.
    """

    until: Api = Api.PRODUCE
    cut: bool = True
    fresh: bool = False
    _link: Link | None = field(default=None, init=False)
    _frame: bytes = field(default=b"", init=False)

    @property
    def kind(self) -> str:
        return f"held until {self.until.name}, {'cut' if self.cut else 'silent'}"

    async def on_request(self, link: Link, frame: bytes) -> bool:
        self._link, self._frame = link, frame
        link.outlives_client = not self.fresh
        link.proxy.held.append(self)
        if self.cut:
            link.cut(reset=True)
        return False

    async def let_go(self, proxy: Proxy) -> None:
        """Let the broker have it, and wait for the answer."""
        assert self._link is not None
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            async with asyncio.timeout(ANSWER_S):
                reply = await (proxy.ask(self._frame) if self.fresh else self._link.ask(self._frame))
                self.outcome = f"error {end_txn_error(self._frame, reply)}"
        self._link.close()


def end_txn_error(request: bytes, reply: bytes) -> int:
    """Return the error code of an EndTxn's reply."""
    (version,) = struct.unpack_from(">h", request, 6)
    tags = 1 if version >= 3 else 0
    (error,) = struct.unpack_from(">h", reply, 4 + 4 + tags + 4)
    return int(error)

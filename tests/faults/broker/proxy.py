"""A network that fails when it is told to: a TCP proxy that knows Kafka's frames.

It stands in front of one broker, as its advertised listener. A fault is armed from any thread, waits for
its request, happens once, and is then found in :attr:`Proxy.happened`.
"""

from __future__ import annotations

import asyncio
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress

from tests.faults.broker.network_faults import Fault, Hold

DEADLINE_S = 20.0


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Read one frame, its length included."""
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big"))


class Link:
    """One client's connection and ours to the broker on its behalf."""

    def __init__(self, proxy: Proxy, client: asyncio.StreamWriter, broker: asyncio.StreamWriter) -> None:
        self.proxy = proxy
        self.to_client = client
        self.to_broker = broker
        self.outlives_client = False
        self.has_lost = False
        self._asked: dict[int, tuple[int, Fault | None]] = {}
        self._awaited: dict[int, asyncio.Future[bytes]] = {}

    async def requests(self, reader: asyncio.StreamReader) -> None:
        """Pass requests on."""
        while True:
            frame = await read_frame(reader)
            api, _, correlation = struct.unpack_from(">hhi", frame, 4)
            fault = self.proxy.fault_for(api)
            self._asked[correlation] = api, fault
            goes_on = fault is None or await fault.on_request(self, frame)
            if fault is not None:
                self.proxy.happened.append(fault)
            if goes_on and not self._swallowed():
                self.to_broker.write(frame)
                await self.to_broker.drain()

    async def replies(self, reader: asyncio.StreamReader) -> None:
        """Pass replies on; those that a held request waits for, after it."""
        while True:
            frame = await read_frame(reader)
            correlation = int.from_bytes(frame[4:8], "big", signed=True)
            if correlation in self._awaited:
                self._awaited.pop(correlation).set_result(frame)
                continue
            api, fault = self._asked.pop(correlation)
            await self.proxy.overtake(api)
            if (fault is None or await fault.on_reply(self, frame)) and not self._swallowed():
                self.to_client.write(frame)
                await self.to_client.drain()

    def _swallowed(self) -> bool:
        self.has_lost |= self.proxy.is_dark
        return self.proxy.is_dark

    async def ask(self, frame: bytes) -> bytes:
        """Send a request that was kept back, and return the reply."""
        correlation = int.from_bytes(frame[8:12], "big", signed=True)
        answer = self._awaited[correlation] = asyncio.get_running_loop().create_future()
        self.to_broker.write(frame)
        return await answer

    def cut(self, reset: bool) -> None:
        """End the client's connection, by a reset or politely; the broker's too, unless it is to live on."""
        if reset:
            with suppress(OSError):
                now = struct.pack("ii", 1, 0)
                self.to_client.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, now)
            self.to_client.transport.abort()
        else:
            self.to_client.close()
        if not self.outlives_client:
            self.to_broker.close()

    def close(self) -> None:
        """End both connections."""
        self.to_client.close()
        self.to_broker.close()


class Proxy:
    """Listens on a port and passes everything on to ``upstream``, but for what its faults are about.

    Attributes
    ----------
    happened
        The faults that have met their request, in order.
    """

    def __init__(self, port: int, upstream: int) -> None:
        self._port = port
        self._upstream = upstream
        self._armed: list[Fault] = []
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self.happened: list[Fault] = []
        self.held: list[Hold] = []
        self.is_dark = False

    def arm(self, *faults: Fault) -> None:
        """Let each happen at the next request of its kind; may be called from any thread."""
        self._armed.extend(faults)

    def disarm(self) -> None:
        """Let nothing more happen, and let go of what is held back."""
        self._armed.clear()
        asyncio.run_coroutine_threadsafe(self._let_go(list(self.held)), self._loop).result(2 * DEADLINE_S)

    def fault_for(self, api: int) -> Fault | None:
        """Take the fault that waits for this request."""
        fault = next((fault for fault in self._armed if fault.api == api), None)
        if fault is not None:
            self._armed.remove(fault)
        return fault

    def darken(self, seconds: float) -> None:
        """Swallow everything for a while."""
        self.is_dark = True
        self._loop.call_later(seconds, self._lighten)

    def _lighten(self) -> None:
        self.is_dark = False
        for link in [link for link in self._links if link.has_lost]:
            link.cut(reset=True)

    async def overtake(self, api: int) -> None:
        """Let go of what is held until a reply of this kind."""
        await self._let_go([held for held in self.held if held.until == api])

    async def _let_go(self, holds: list[Hold]) -> None:
        for held in holds:
            self.held.remove(held)
            await held.let_go(self)

    async def ask(self, frame: bytes) -> bytes:
        """Send one request by a connection of its own, and return the reply."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._upstream)
        try:
            writer.write(frame)
            return await read_frame(reader)
        finally:
            writer.close()

    async def _serve(self, from_client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        """Serve one connection until either side ends it."""
        try:
            from_broker, to_broker = await asyncio.open_connection("127.0.0.1", self._upstream)
        except OSError:
            to_client.close()
            return
        link = Link(self, to_client, to_broker)
        self._links.add(link)
        replies = asyncio.create_task(self._until_the_end(link.replies(from_broker)))
        replies.add_done_callback(lambda _: link.close())
        await self._until_the_end(link.requests(from_client))
        if not link.outlives_client:
            link.close()
        self._links.discard(link)

    @staticmethod
    async def _until_the_end(passing_on: Coroutine[None, None, None]) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            await passing_on

    @contextmanager
    def running(self) -> Iterator[Proxy]:
        """Serve in a thread of its own."""
        thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        thread.start()
        listening = asyncio.start_server(self._serve, "127.0.0.1", self._port)
        server = asyncio.run_coroutine_threadsafe(listening, self._loop).result(DEADLINE_S)
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._close(server), self._loop).result(DEADLINE_S)
            self._loop.call_soon_threadsafe(self._loop.stop)
            thread.join(DEADLINE_S)

    @staticmethod
    async def _close(server: asyncio.Server) -> None:
        server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

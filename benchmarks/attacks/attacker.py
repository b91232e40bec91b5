"""Attacks on a service's HTTP port, from a process of their own.

``python -m benchmarks.attacks.attacker KIND PORT`` goes on until it is ended, and says when it has begun.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Coroutine
from typing import Any

HOST = "127.0.0.1"
CONNECTIONS = 10_000
WAVE = 200
BACK_S = 10.0
"""After which whoever was cut off comes back: sooner, and the attackers would take a core for themselves."""
TRICKLING = 1_000
BODY_BYTES = 10_000_000_000
PREDICTING = 4
SAMPLE = b'{"features": {"x": 1.0, "y": -0.5}}'
HEAD = "POST /predict HTTP/1.1\r\nHost: it\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"

# The attacks: each coroutine is one connection, made anew when the server ends it


async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing until the server has had enough."""
    await reader.read()


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a header, a byte a second."""
    for byte in b"GET /model HTTP/1.1\r\nX-Slow: " + b"z" * 10_000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1.0)


async def pour(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Send a body of ten gigabytes for as long as it is taken."""
    writer.write(HEAD.format(BODY_BYTES).encode())
    for _ in range(BODY_BYTES >> 16):
        writer.write(b" " * (1 << 16))
        await writer.drain()


async def predict(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Ask for one prediction after the other."""
    while True:
        writer.write(HEAD.format(len(SAMPLE)).encode() + SAMPLE)
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        await reader.readexactly(int(length.split(b":")[1]))


Attack = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]

KINDS: dict[str, tuple[int, Attack]] = {
    f"{CONNECTIONS:,} connections that say nothing": (CONNECTIONS, hold),
    f"{TRICKLING:,} requests that come a byte a second": (TRICKLING, trickle),
    "four bodies of 10 GB": (4, pour),
    f"{PREDICTING} clients on /predict, without a pause": (PREDICTING, predict),
}


async def _again(port: int, way: Attack) -> None:
    while True:
        writer = None
        with contextlib.suppress(OSError, EOFError):
            reader, writer = await asyncio.open_connection(HOST, port)
            await way(reader, writer)
        if writer is not None:
            writer.close()
        await asyncio.sleep(BACK_S)


async def attack(kind: str, port: int) -> None:
    """Open the connections, wave by wave, and keep them at it."""
    count, way = KINDS[kind]
    running = []
    for number in range(count):
        running.append(asyncio.create_task(_again(port, way)))
        if number % WAVE == WAVE - 1:
            await asyncio.sleep(0.05)
    print("begun", flush=True)
    await asyncio.gather(*running)


if __name__ == "__main__":
    asyncio.run(attack(sys.argv[1], int(sys.argv[2])))

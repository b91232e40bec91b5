"""What a process that lives long asks of Python and the C library."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Final

GC_THRESHOLD: Final = 100_000

KEPT_BYTES: Final = 2_000_000
"""How much may stay free on top of an arena: with half of it, catching up takes twice the page faults."""

MAPPED_BYTES: Final = 16_000_000
"""From which size on a block is mapped, and given back, by itself: a fetch of a partition is smaller."""

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # of malloc.h


def live_long() -> None:
    """Prepare a process that is all ours for a long life."""
    calm_the_collector()
    keep_little()


def calm_the_collector() -> None:
    """Let the garbage collector leave what was loaded alone, and look at the rest seldom: it costs spikes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 100)


def keep_little() -> None:
    """Let glibc give back by itself what is free on top of an arena.

    By default it keeps there up to twice the largest block that was ever freed, and ``malloc_trim`` leaves
    the tops of threads' arenas alone. Each fault of a broker brings new threads of the client, which fetch
    into other arenas: some MB a fault, until all of them, eight a core, are full.
    """
    with suppress(AttributeError, OSError):
        libc = ctypes.CDLL(None)
        libc.mallopt(M_TRIM_THRESHOLD, KEPT_BYTES)
        libc.mallopt(M_MMAP_THRESHOLD, MAPPED_BYTES)


def give_back() -> None:
    """Free what a failure has left behind; to be called where time does not matter.

    Clients leave circles, with their sockets, which a calm collector would not look at for hours. And writers
    come and go with their threads, each thread has an arena of memory of its own, and glibc keeps what was
    freed in it. (Fewer arenas would be no way out: they cost a twentieth of all throughput. Other C libraries
    have no such call, and no need of it.)
    """
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)

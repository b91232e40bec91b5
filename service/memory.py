"""What a process that lives long asks of Python and the C library."""

from __future__ import annotations

import ctypes
import gc
from contextlib import suppress
from typing import Final

GC_THRESHOLD: Final = 100_000


def calm_the_collector() -> None:
    """Let the garbage collector leave what was loaded alone, and look at the rest seldom: it costs spikes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 50, 100)


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

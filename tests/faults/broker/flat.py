"""Whether a process that lives through many recoveries keeps its memory and its file descriptors flat."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

WARM_UP = 0.3
"""The share of the samples, from the first, in which caches, pools and the model itself may still grow."""

FEWEST = 5
"""Fewer samples tell a leak from a producer that is just being closed as little as a coin."""

MORE_DESCRIPTORS = 4
MORE_BYTES = 8_000_000
MORE_SHARE = 0.05

PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """The size of a process at one moment."""

    resident_bytes: int
    descriptors: int


def sample(pid: int) -> Sample:
    """Measure a process."""
    resident_pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Sample(resident_pages * PAGE_BYTES, len(list(Path(f"/proc/{pid}/fd").iterdir())))


def is_flat(samples: Sequence[Sample]) -> bool:
    """Whether the least of the last third is hardly above the most of the first third after warming up.

    The least against the most: one moment's peak is no leak, and a leak lifts every later moment.
    ``MORE_DESCRIPTORS`` descriptors, and ``MORE_BYTES`` plus ``MORE_SHARE`` of the memory, are tolerated.
    """
    warm = samples[int(len(samples) * WARM_UP) :]
    third = max(1, len(warm) // 3)
    early, late = warm[:third], warm[-third:]
    if len(samples) < FEWEST:
        return True
    most_bytes, least_bytes = (
        max(s.resident_bytes for s in early),
        min(s.resident_bytes for s in late),
    )
    most_open, least_open = max(s.descriptors for s in early), min(s.descriptors for s in late)
    return (
        least_open <= most_open + MORE_DESCRIPTORS
        and least_bytes <= most_bytes * (1 + MORE_SHARE) + MORE_BYTES
    )


def told(samples: Sequence[Sample]) -> str:
    """Return all samples in words: megabytes, and descriptors."""
    return " → ".join(f"{s.resident_bytes / 1e6:.0f} MB, {s.descriptors}" for s in samples)

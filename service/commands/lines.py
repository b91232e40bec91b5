"""JSON lines from a file, from standard input or from a data set, in the batches in which they are there."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Iterator, Sequence
from io import FileIO
from itertools import islice
from pathlib import Path

import msgspec

from service.commands.datasets import load_dataset
from service.commands.terminal import say
from service.errors import ConfigurationError
from service.settings import FieldSettings

Lines = Sequence[bytes]

BLOCK_BYTES = 1 << 20
BATCH = 1000
LISTEN_S = 0.2
STDIN = "-"


class Source:
    """Where lines come from.

    Parameters
    ----------
    file
        A path, or ``-`` for standard input.
    dataset
        A data set's name, instead of a file.
    fields
        What the parts of a data set's samples are called.
    repeat
        How many times over.

    Raises
    ------
    ConfigurationError
        Both were given, or standard input was to be repeated.
    """

    def __init__(self, file: str | None, dataset: str | None, fields: FieldSettings, repeat: int = 1) -> None:
        if file is not None and dataset is not None:
            raise ConfigurationError(f"FILE {file!r} and --dataset {dataset!r}: one of them was expected")
        self._file = file or STDIN
        if dataset is None and self._file == STDIN and repeat > 1:
            raise ConfigurationError("--repeat needs a FILE or a --dataset: standard input can be read once")
        self._dataset, self._fields, self._repeat = dataset, fields, repeat
        self.name = dataset or ("standard input" if self._file == STDIN else Path(self._file).name)

    @property
    def is_typed(self) -> bool:
        """Whether a person types the lines, and wants no progress in between."""
        return self._dataset is None and self._file == STDIN and os.isatty(0)

    def batches(self, stop: threading.Event) -> Iterator[Lines]:
        """Yield lines without their newline, as soon as they are there, until ``stop`` is set."""
        if self._dataset is not None:
            yield from _encoded(self._dataset, self._fields, self._repeat, stop)
        elif self._file == STDIN:
            if self.is_typed:
                say("reading JSON lines from the terminal; Ctrl-D ends them")
            yield from _read(0, stop)
        else:
            for _ in range(self._repeat):
                with _opened(self._file) as file:
                    yield from _read(file.fileno(), stop)


def _opened(path: str) -> FileIO:
    try:
        return Path(path).open("rb", buffering=0)
    except OSError as error:
        raise ConfigurationError(f"FILE {path!r}: {error.strerror}") from None


def _encoded(name: str, fields: FieldSettings, repeat: int, stop: threading.Event) -> Iterator[Lines]:
    lines = map(msgspec.json.encode, load_dataset(name).records(fields, repeat))
    while not stop.is_set() and (batch := list(islice(lines, BATCH))):
        yield batch


def _read(descriptor: int, stop: threading.Event) -> Iterator[Lines]:
    """Yield whole lines; one that the input ends in counts without its newline too."""
    parts: list[bytes] = []
    while block := _next_block(descriptor, stop):
        head, newline, tail = block.rpartition(b"\n")
        if newline:
            yield b"".join([*parts, head]).split(b"\n")
            parts.clear()
        if tail:
            parts.append(tail)
    if parts and not stop.is_set():
        yield [b"".join(parts)]


def _next_block(descriptor: int, stop: threading.Event) -> bytes:
    """Return what is there, waiting for it; nothing at the end of the input, or when stopped."""
    while not stop.is_set():
        if select.select([descriptor], [], [], LISTEN_S)[0]:
            return os.read(descriptor, BLOCK_BYTES)
    return b""

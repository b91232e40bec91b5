"""A committed model in a file: for backups, and to go on with it on another stream.

The file holds the records of the model topic as they are, with their checksums, so what reads a topic
checks a file, too.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from service.errors import ConfigurationError

KIND: Final = "perceptron model"
FORMAT: Final = 1


def write_model_file(file: Path, records: Mapping[bytes, bytes]) -> None:
    """Write the records of a model; what the file held stays until all of it is on the disk."""
    unfinished = file.with_name(f"{file.name}.unfinished")
    with unfinished.open("wb") as out:
        out.write(msgspec.msgpack.encode([KIND, FORMAT, records]))
        out.flush()
        os.fsync(out.fileno())
    unfinished.replace(file)


def read_model_file(file: Path) -> dict[bytes, bytes]:
    """Return the records of a model.

    Raises
    ------
    ConfigurationError
        There is no such file, or it is none that ``perceptron model export`` has written.
    """
    try:
        content = file.read_bytes()
        kind, format, records = msgspec.msgpack.decode(content, type=tuple[str, int, dict[bytes, bytes]])
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigurationError(f"{file} is no exported model: {error}") from None
    if (kind, format) != (KIND, FORMAT):
        raise ConfigurationError(
            f"{file}: {kind!r:.40} of format {format}; {KIND!r} of format {FORMAT} is read"
        )
    return records

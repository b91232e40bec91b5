"""``perceptron dlq``: what was refused, why, and back again once it can be used.

Letters are open from the position of the last replay on; ``--all`` shows the others, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec
from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.commands.consume import committed, readable
from service.commands.json_text import json_text
from service.commands.replay import Place
from service.errors import ConfigurationError, PerceptronError
from service.letters import Letter, letters_of, open_from
from service.settings import Settings
from service.streams.port import Stream
from service.times import utc

SHOWN = 2000


@dataclass(frozen=True)
class Wanted:
    """Which letters: of one reason where it is given, of a time where that is."""

    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __call__(self, letter: Letter) -> bool:
        """Whether a letter is one of them.

        Raises
        ------
        ConfigurationError
            A time is asked for, and the stream keeps none.
        """
        return self.reason in (None, letter.error["reason"]) and self._is_of_the_time(letter.at_ms)

    def _is_of_the_time(self, at_ms: int | None) -> bool:
        if self.since is None and self.until is None:
            return True
        if at_ms is None:
            raise ConfigurationError("--since and --until: this stream keeps no times; Kafka does")
        since, until = (_ms(time, default) for time, default in ((self.since, 0), (self.until, 2**63)))
        return since <= at_ms < until


def _ms(time: datetime | None, default: int) -> int:
    return default if time is None else int(1000 * time.timestamp())


def letters(stream: Stream, settings: Settings, wanted: Wanted, whole: bool) -> Iterator[Letter]:
    """Yield the wanted letters of those that are open, with ``whole`` of all that are there."""
    start = None if whole else open_from(stream, settings)
    for batch in committed(stream, settings.topics.dlq, start=start):
        yield from filter(wanted, letters_of(batch))


def listing(found: Iterator[Letter], at_most: int | None) -> Iterator[str]:
    """Yield a line for each letter: where it lies, what it was, why it was refused."""
    for letter in islice(found, at_most):
        error = letter.error
        source = f"{error['topic']}/{error['partition']}@{error['offset']}"
        yield f"{letter.partition}:{letter.offset}  {error['reason']}  {source}  {error['message']:.200}"


def letter_json(letter: Letter) -> dict[str, Any]:
    """Return a letter as plain data; its value can be edited and given to ``replay --repairs``."""
    error = letter.error
    return {
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": error["reason"],
        "message": error["message"],
        **({} if letter.at_ms is None else {"at": utc(letter.at_ms / 1000)}),
        "sample": {"topic": error["topic"], "partition": error["partition"], "offset": error["offset"]},
        **readable("key", letter.key),
        **readable("value", letter.value),
    }


def find(stream: Stream, settings: Settings, place: str) -> Letter:
    """Return the letter at ``PARTITION:OFFSET``, or at ``OFFSET`` of partition 0.

    Raises
    ------
    ConfigurationError
        That is no place.
    PerceptronError
        There is no letter.
    """
    partition, _, offset = place.rpartition(":")
    if not offset.isdecimal() or not (partition or "0").isdecimal():
        raise ConfigurationError(f"{place!r}: OFFSET or PARTITION:OFFSET was expected, as dlq ls shows it")
    where = (int(partition or 0), int(offset))
    for letter in letters(stream, settings, Wanted(), whole=True):
        if (letter.partition, letter.offset) == where:
            return letter
    raise PerceptronError(f"there is no dead letter at {place} in {settings.topics.dlq!r}")


def letter_text(letter: Letter) -> RenderableType:
    """Return a letter as a person reads it."""
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for name, value in {**letter.error, "key": _text(letter.key)}.items():
        table.add_row(name, Text(value))
    for name, header in letter.own:
        table.add_row(f"header {name}", Text(_text(header)))
    value = _text(letter.value) if letter.is_whole else "(too large to be kept: it is in the samples topic)"
    return Group(table, Text(), Text(value[:SHOWN] + (" ..." if len(value) > SHOWN else "")))


def _text(value: bytes | None) -> str:
    return "(none)" if value is None else value.decode("utf-8", "backslashreplace")


def counts(found: Iterator[Letter]) -> list[dict[str, Any]]:
    """Return how many letters there are of each reason, the most frequent first, each with the latest one."""
    latest: dict[str, Letter] = {}
    numbers: Counter[str] = Counter()
    for letter in found:
        numbers[letter.error["reason"]] += 1
        latest[letter.error["reason"]] = letter
    return [
        {
            "reason": reason,
            "letters": number,
            "latest": f"{latest[reason].partition}:{latest[reason].offset}",
            "message": latest[reason].error["message"],
        }
        for reason, number in numbers.most_common()
    ]


def print_counts(rows: list[dict[str, Any]]) -> None:
    """Print the table of reasons."""
    table = Table(box=None, pad_edge=False)
    for column in ("reason", "letters", "latest", "message"):
        table.add_column(column, justify="right" if column == "letters" else "left")
    for row in rows:
        table.add_row(row["reason"], f"{row['letters']:,}", row["latest"], Text(f"{row['message']:.120}"))
    Console(highlight=False).print(table if rows else "no dead letters")


class _Repair(msgspec.Struct):
    partition: int
    offset: int
    value: str


def repairs(file: Path | None) -> dict[Place, bytes]:
    """Return repaired values by place, from lines as ``dlq ls --json`` prints them.

    Raises
    ------
    ConfigurationError
        The file can't be read, or a line has no partition, offset and value.
    """
    if file is None:
        return {}
    found = {}
    decode = msgspec.json.Decoder(_Repair).decode
    try:
        lines = file.read_bytes().splitlines()
    except OSError as error:
        raise ConfigurationError(f"--repairs {file}: {error.strerror}") from None
    for number, line in enumerate(lines, start=1):
        try:
            repair = decode(line)
        except msgspec.DecodeError as error:
            raise ConfigurationError(
                f"--repairs {file}, line {number}: {error}; a line of dlq ls --json was expected"
            ) from None
        found[repair.partition, repair.offset] = repair.value.encode()
    return found


def line_json(letter: Letter) -> str:
    """Return a letter as a line of JSON."""
    return json_text(letter_json(letter))

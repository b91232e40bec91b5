"""Dead letters, read: the record as it came, and why it was refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from service.codec import ERROR_FIELDS, ERROR_PREFIX, OMITTED
from service.settings import Settings
from service.streams.port import Batch, Header, Partition, Stream

REPLAY_PREFIX = "perceptron.replay."


@dataclass(frozen=True, slots=True)
class Letter:
    """One dead letter.

    Attributes
    ----------
    partition, offset
        Where it lies in the dead-letter topic.
    key, value
        The record's own; nothing where it was too large to be kept.
    headers
        All of the letter's; ``own`` are the record's.
    error
        ``reason``, ``message``, ``topic``, ``partition``, ``offset`` and ``model`` of the refusal.
    is_whole
        Whether the record itself is there.
    """

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    own: tuple[Header, ...]
    error: dict[str, str]
    is_whole: bool

    def history(self) -> list[Header]:
        """Return the record's headers with this refusal behind them, as a thing of the past."""
        past = [(f"{REPLAY_PREFIX}{name}", value.encode()) for name, value in self.error.items()]
        return [*self.own, *past]


def letters_of(batch: Batch) -> Iterator[Letter]:
    """Yield the dead letters of a batch of their topic; records that are none are passed over."""
    for row in range(len(batch)):
        if (letter := _letter(batch, row)) is not None:
            yield letter


def _letter(batch: Batch, row: int) -> Letter | None:
    headers = tuple(batch.headers[row])
    is_whole = not (headers and headers[-1][0] == OMITTED)
    end = len(headers) if is_whole else len(headers) - 1
    own, added = headers[: max(end - len(ERROR_FIELDS), 0)], headers[max(end - len(ERROR_FIELDS), 0) : end]
    if [name for name, _ in added] != [f"{ERROR_PREFIX}{name}" for name in ERROR_FIELDS]:
        return None
    texts = [(value or b"").decode("utf-8", "backslashreplace") for _, value in added]
    error = dict(zip(ERROR_FIELDS, texts, strict=True))
    where = batch.partition, batch.offsets[row]
    return Letter(*where, batch.keys[row], batch.values[row], headers, own, error, is_whole)


def replay_group(settings: Settings) -> str:
    """Return the group that holds the position of replays, which is also their writer's name."""
    return f"{settings.model.name}.dlq-replay"


def open_from(stream: Stream, settings: Settings) -> dict[Partition, int]:
    """Return, by partition of the dead letters, the position from which on they were not replayed yet."""
    topic = settings.topics.dlq
    done = stream.group_offsets(replay_group(settings), topic)
    places = [(topic, number) for number in range(stream.partitions(topic))]
    return {place: max(done.get(place[1], 0), stream.first_offset(place)) for place in places}

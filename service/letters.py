"""Dead letters, read: the record as it came, and why it was refused."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    at_ms
        When it was written, since the epoch; None where the stream keeps no times.
    """

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]
    own: tuple[Header, ...]
    error: dict[str, str]
    is_whole: bool
    at_ms: int | None

    def history(self) -> list[Header]:
        """Return the record's headers with this refusal behind them, as a thing of the past."""
        past = [(f"{REPLAY_PREFIX}{name}", value.encode()) for name, value in self.error.items()]
        return [*self.own, *past]


def letters_of(batch: Batch) -> Iterator[Letter]:
    """Yield the dead letters of a batch of their topic; records that are none are passed over."""
    for row in range(len(batch)):
        if (letter := _letter(batch, row)) is not None:
            yield letter


def error_of(headers: Sequence[Header]) -> dict[str, str] | None:
    """Return what the headers of a dead letter say of its refusal, by name; None where they are of none."""
    added = _added(headers)
    if [name for name, _ in added] != [f"{ERROR_PREFIX}{name}" for name in ERROR_FIELDS]:
        return None
    texts = [(value or b"").decode("utf-8", "backslashreplace") for _, value in added]
    return dict(zip(ERROR_FIELDS, texts, strict=True))


def _added(headers: Sequence[Header]) -> Sequence[Header]:
    """Return the headers that a refusal adds, without the one for what was too large."""
    end = len(headers) if _is_whole(headers) else len(headers) - 1
    return headers[max(end - len(ERROR_FIELDS), 0) : end]


def _is_whole(headers: Sequence[Header]) -> bool:
    return not (headers and headers[-1][0] == OMITTED)


def _letter(batch: Batch, row: int) -> Letter | None:
    headers = tuple(batch.headers[row])
    if (error := error_of(headers)) is None:
        return None
    is_whole = _is_whole(headers)
    own = headers[: len(headers) - len(ERROR_FIELDS) - (not is_whole)]
    at_ms = batch.timestamps_ms[row] if batch.timestamps_ms else None
    where = batch.partition, batch.offsets[row]
    return Letter(*where, batch.keys[row], batch.values[row], headers, own, error, is_whole, at_ms)


def replay_group(settings: Settings) -> str:
    """Return the group that holds the position of replays, which is also their writer's name."""
    return f"{settings.model.name}.dlq-replay"


def open_from(stream: Stream, settings: Settings) -> dict[Partition, int]:
    """Return, by partition of the dead letters, the position from which on they were not replayed yet."""
    topic = settings.topics.dlq
    done = stream.group_offsets(replay_group(settings), topic)
    places = [(topic, number) for number in range(stream.partitions(topic))]
    return {place: max(done.get(place[1], 0), stream.first_offset(place)) for place in places}

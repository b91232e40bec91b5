"""Answers that fit: what its producer has compressed may unpack to more than any topic takes from us.

The limits on samples are on what comes over the wire, and nothing bounds what that unpacks to. Whatever
can be read has to be answered all the same: where the record does not fit into its answer, the answer
goes without it, and says so. The record itself is in the samples topic, at the offset that is named.

Do: look at sizes. Do not: know what is in a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from service.codec import ERROR_FIELDS, ERROR_PREFIX, OMITTED
from service.streams.port import Header, Output

REASON = f"{ERROR_PREFIX}{ERROR_FIELDS[0]}"

OVERHEAD_BYTES = 1024
"""What Kafka adds around one record."""

HEADER_BYTES = 10
"""What Kafka adds around one header."""


class Answers:
    """Makes answers fit into their topics.

    Parameters
    ----------
    limits
        The largest record that can be written, in bytes, by topic; a topic without limit has no entry.
    """

    def __init__(self, limits: Mapping[str, int]) -> None:
        self._room = {topic: limit - OVERHEAD_BYTES for topic, limit in limits.items()}

    def fitting(self, output: Output) -> Output:
        """Return the output, with what does not fit left out of its records."""
        room = self._room.get(output.topic)
        if room is None or _upper_bound(output) <= room:  # most often all of it together would fit
            return output
        headers = output.headers or [()] * len(output)
        records = zip(output.keys, output.values, headers, strict=True)
        if _are_letters(headers):
            fitted = [_fitting_letter(*record, room) for record in records]
            return Output(output.topic, output.partition, *map(list, zip(*fitted, strict=True)))
        keys = [record[0] if _record_bytes(*record) <= room else None for record in records]
        return Output(output.topic, output.partition, keys, output.values, output.headers)


def _are_letters(headers: Sequence[Sequence[Header]]) -> bool:
    """Whether these records are dead letters, by the headers of the first one."""
    return any(name == REASON for name, _ in headers[0])


def _fitting_letter(
    key: bytes | None, value: bytes | None, headers: Sequence[Header], room: int
) -> tuple[bytes | None, bytes | None, Sequence[Header]]:
    """Return a dead letter as it is, or nothing of it but why it was rejected, and its size."""
    reasons = headers[-len(ERROR_FIELDS) :]
    size, reasons_size = _record_bytes(key, value, headers), _header_bytes(reasons)
    if size <= room:
        return key, value, headers
    return None, None, [*reasons, (OMITTED, b"%d" % (size - reasons_size))]


def _upper_bound(output: Output) -> int:
    """Return the bytes of all records of an output together; in one go, as this is on the hot path."""
    parts = (len(b"".join(filter(None, column))) for column in (output.keys, output.values))
    return sum(parts) + sum(map(_header_bytes, output.headers or ()))


def _record_bytes(key: bytes | None, value: bytes | None, headers: Sequence[Header]) -> int:
    return _bytes(key, value) + _header_bytes(headers)


def _bytes(*parts: bytes | None) -> int:
    return sum(len(part) for part in parts if part is not None)


def _header_bytes(headers: Sequence[Header]) -> int:
    return sum(len(name.encode()) + _bytes(value) + HEADER_BYTES for name, value in headers)

"""Bare copying on SQLite: read a batch, write the same values, commit them with the position.

``python sqlite_copy.py FILE SAMPLES OUTPUTS COUNT``
"""

from __future__ import annotations

import sys

from benchmarks.peers.apps.clock import BATCH, Clock
from service.streams.port import Output
from service.streams.sqlite import SqliteStream


def main() -> None:
    """Copy all samples."""
    file, samples, outputs, count = sys.argv[1:]
    clock, done = Clock(), 0
    with (
        SqliteStream(file) as stream,
        stream.reader() as reader,
        stream.join(outputs, outputs) as seat,
        stream.fence(outputs) as writer,
    ):
        while 0 not in seat.poll():
            pass
        reader.seek({(samples, 0): 0})
        while done < int(count):
            for batch in reader.poll(BATCH, 1.0):
                copied = Output(outputs, 0, batch.keys, batch.values)
                writer.commit([copied], {(samples, 0): batch.offsets[-1] + 1}, seat)
                done += len(batch)
                clock.done(done)
    clock.print()


if __name__ == "__main__":
    main()

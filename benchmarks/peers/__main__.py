"""The service beside what else could be taken for the job, on one real broker and the same samples.

``python -m benchmarks.peers`` starts a broker (or takes ``KAFKA_BOOTSTRAP``), lets the contenders alternate
and prints a report in Markdown. Each output is read back and held to river before its time counts. With
--pin the broker has one half of the cores and the clients the other. That is not the default: on two cores
it leaves one to clients that use several threads, and so it measures how well they do without them.
"""

from __future__ import annotations

from benchmarks.peers.contenders import CONFLUENT, KAFKA_PYTHON, SQLITE
from benchmarks.peers.part import Part, main

OTHERS = (KAFKA_PYTHON, SQLITE, "bare SQLite", "bare kafka-python")

if __name__ == "__main__":
    part = Part(
        name="peers",
        shapes=("dense-10", "dense-30", "text", "sparse"),
        base=CONFLUENT,
        takes=lambda name: not name.startswith(OTHERS),
        samples=3_000_000,  # fewer, and Flink would see no checkpoint of one second
        packages=("quixstreams", "vowpalwabbit"),
    )
    main(__doc__, part)

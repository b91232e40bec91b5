"""The service beside what else could be taken for the job, on one real broker and the same samples.

``python -m benchmarks.peers`` starts a broker (or takes ``KAFKA_BOOTSTRAP``), lets the contenders alternate
and prints a report in Markdown. Each output is read back and held to river before its time counts. With
--pin the broker has one half of the cores and the clients the other. That is not the default: on two cores
it leaves one to clients that use several threads, and so it measures how well they do without them.
"""

from __future__ import annotations

from benchmarks.peers.part import beside_peers, main

if __name__ == "__main__":
    main(__doc__, beside_peers("peers", "dense-10"))

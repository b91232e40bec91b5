"""How near the whole service comes, on each stream, to a loop that only passes records on.

``python -m benchmarks.stream`` starts a broker (or takes ``KAFKA_BOOTSTRAP``), lets the service and the bare
loops alternate, and prints a report in Markdown; json and river without a stream stand beside them. The
service runs exactly once, with commits of up to 5,000 samples.
"""

from __future__ import annotations

from benchmarks.peers.contenders import CONFLUENT, RIVER_ALONE
from benchmarks.peers.java import BARE_JAVA
from benchmarks.peers.part import Part, main

if __name__ == "__main__":
    part = Part(
        name="stream",
        shapes=("dense-10",),
        base=CONFLUENT,
        takes=lambda name: name.startswith(("ours", "bare", RIVER_ALONE)) and name != BARE_JAVA,
        samples=500_000,
    )
    main(__doc__, part)

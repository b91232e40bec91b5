"""``benchmarks.peers`` on other samples: 30 numbers, 20 texts, 50 of 262,144 weighted words."""

from __future__ import annotations

from benchmarks.peers.part import beside_peers, main

if __name__ == "__main__":
    main(__doc__, beside_peers("shapes", "dense-30", "text", "sparse"))

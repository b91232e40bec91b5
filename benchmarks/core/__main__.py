"""How fast the core learns, beside river on the same samples.

``python -m benchmarks.core`` lets the contenders alternate for some rounds and prints medians in µs a
sample, the spread, and the ratio to river. Every contender's predictions are checked against river's, to
1e-9, before its time counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Sequence

from benchmarks.core.contenders import (
    Contender,
    check,
    many,
    one_by_one,
    our_messages,
    river_bare,
    river_messages,
    river_scaled,
)
from benchmarks.core.interpreted import Interpreted
from benchmarks.core.samples import Samples, dense, sparse
from benchmarks.report import markdown

BARE = [
    Contender("river: LogisticRegression", river_bare, ""),
    Contender("predict_one + learn_one", one_by_one(scale=False), "river: LogisticRegression"),
    Contender("predict_learn_many", many(scale=False), "river: LogisticRegression"),
]
SCALED = [
    Contender("river: StandardScaler | LogisticRegression", river_scaled, ""),
    Contender("predict_one + learn_one, scaled", one_by_one(), "river: StandardScaler | LogisticRegression"),
    Contender("predict_learn_many, scaled", many(), "river: StandardScaler | LogisticRegression"),
    Contender("the same, AdaGrad", many(optimizer="adagrad"), "predict_learn_many, scaled", False),
    Contender("the default, auto", many(learning_rate="auto"), "the same, AdaGrad", False),
    Contender("ladder", many(learning_rate="ladder"), "the same, AdaGrad", False),
]
MESSAGES = [
    Contender("json + river, scaled + json", river_messages, ""),
    Contender("the service's learner, scaled", our_messages, "json + river, scaled + json"),
]


def compare(contenders: list[Contender], samples: Samples, rounds: int) -> list[list[str]]:
    """Let the contenders alternate; return a line for each."""
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        found: dict[str, Sequence[float]] = {}
        for contender in contenders:
            seconds, found[contender.name] = contender.timed(samples)
            if contender.peer:
                check(contender, found[contender.name], found[contender.peer])
            times.setdefault(contender.name, []).append(seconds / len(samples.labels) * 1e6)
    return [_line(contender, samples, times) for contender in contenders]


def _line(contender: Contender, samples: Samples, times: dict[str, list[float]]) -> list[str]:
    own = times[contender.name]
    median = statistics.median(own)
    ratio = f"{statistics.median(times[contender.peer]) / median:.1f}" if contender.peer else ""
    return [samples.name, contender.name, f"{median:.3f}", f"{min(own):.3f}–{max(own):.3f}", ratio]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    name = "predict_learn_many, scaled, interpreted"
    with_interpreted = [SCALED[0], Interpreted(name, many(), SCALED[0].name)]
    lines = [
        *compare(BARE, dense(8, 5000), rounds),
        *compare(SCALED, dense(8, 5000), rounds),
        *compare(with_interpreted, dense(8, 5000), rounds),
        *compare(BARE, dense(128, 1000), rounds),
        *compare(SCALED, dense(128, 1000), rounds),
        *compare(BARE, sparse(50, 1 << 18, 20_000), rounds),
        *compare(MESSAGES, dense(10, 20_000), rounds),
    ]
    print(
        f"{rounds} alternating rounds, medians; {os.cpu_count()} cores, Python {platform.python_version()}, ",
        end="",
    )
    print(f"{time.strftime('%Y-%m-%d')}. Ratio: to river's line above; of AdaGrad, auto and ladder to the")
    print("line that their cost is measured by (below 1: slower).\n")
    print(markdown(["samples", "learner", "µs a sample", "lowest–highest", "ratio"], lines, texts=2))


if __name__ == "__main__":
    main()

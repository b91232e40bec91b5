"""The samples everyone is given: 20,000 different ones, over and over, each with an id of its own."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle, islice
from typing import Any

from benchmarks.core import samples as core

DIFFERENT = 20_000


@dataclass(frozen=True)
class Shape:
    """A kind of samples.

    Parameters
    ----------
    name
        As on the command line.
    title
        As in a report.
    make
        Returns so many samples.
    share
        Of the samples of a run: fewer where each is more work.
    """

    name: str
    title: str
    make: Callable[[int], core.Samples]
    share: float

    @cached_property
    def samples(self) -> core.Samples:
        """The different ones."""
        return self.make(DIFFERENT)

    def pairs(self, count: int) -> Iterator[tuple[dict[str, Any], bool]]:
        """Yield features and labels."""
        return islice(cycle(zip(self.samples.features, self.samples.labels, strict=True)), count)

    def messages(self, count: int) -> list[bytes]:
        """Return them as a producer would write them."""
        tails = [json.dumps({"features": x, "label": int(y)})[1:].encode() for x, y in self.pairs(DIFFERENT)]
        return [b'{"id": "s-%d", %b' % (n, tail) for n, tail in enumerate(islice(cycle(tails), count))]

    def lines(self, count: int) -> Iterator[str]:
        """Yield them in Vowpal Wabbit's format; text becomes a feature ``name=text`` of value 1."""
        for x, y in self.pairs(count):
            named = " ".join(f"{k}={v}" if isinstance(v, str) else f"{k}:{v}" for k, v in x.items())
            yield f"{1 if y else -1} | {named}\n"


def text(columns: int, count: int) -> core.Samples:
    """Return samples of nothing but text, each column with up to 50 levels, low ones more often."""
    random_ = random.Random(columns)
    features, labels = [], []
    for _ in range(count):
        levels = [int(50 ** random_.random()) for _ in range(columns)]
        features.append({f"c{j}": f"v{level}" for j, level in enumerate(levels)})
        labels.append(sum(level % 2 for level in levels) > columns / 2)
    return core.Samples(f"{columns} texts", features, labels)


def sparse(present: int, vocabulary: int, count: int) -> core.Samples:
    """Return words with weights as tf-idf gives them, so that scaling leaves something to learn from."""
    made, random_ = core.sparse(present, vocabulary, count), random.Random(vocabulary)
    features = [{word: round(random_.uniform(0.05, 1.0), 4) for word in x} for x in made.features]
    return core.Samples(made.name, features, made.labels)


SHAPES = {
    shape.name: shape
    for shape in (
        Shape("dense-10", "10 numbers", lambda count: core.dense(10, count), 1.0),
        Shape("dense-30", "30 numbers", lambda count: core.dense(30, count), 0.5),
        Shape("text", "20 texts, one-hot", lambda count: text(20, count), 0.25),
        Shape("sparse", "50 of 262,144 weighted words", lambda count: sparse(50, 1 << 18, count), 0.2),
    )
}

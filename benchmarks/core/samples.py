"""The samples that are timed: dense, and sparse like text."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from functools import cached_property
from typing import Any

RATE = 0.01


@dataclass
class Samples:
    """Features, labels, and both as JSON messages."""

    name: str
    features: list[dict[str, Any]]
    labels: list[bool]

    @cached_property
    def messages(self) -> list[bytes]:
        """What a producer would write."""
        pairs = zip(self.features, self.labels, strict=True)
        return [
            json.dumps({"id": f"s-{number}", "features": x, "label": int(y)}).encode()
            for number, (x, y) in enumerate(pairs)
        ]


def dense(width: int, count: int) -> Samples:
    """Return samples of ``width`` numbers of different scales."""
    random_ = random.Random(width)
    names = [f"f{j}" for j in range(width)]
    weights = [random_.gauss(0, 1) for _ in names]
    features, labels = [], []
    for _ in range(count):
        z = [random_.gauss(0, 1) for _ in names]
        features.append({name: 0.5 + value for name, value in zip(names, z, strict=True)})
        score = sum(w * value for w, value in zip(weights, z, strict=True)) / width**0.5
        labels.append(score + random_.gauss(0, 0.5) > 0)
    return Samples(f"{width} dense", features, labels)


def sparse(present: int, vocabulary: int, count: int) -> Samples:
    """Return samples of ``present`` words, common ones more often, out of a large vocabulary."""
    random_ = random.Random(present)
    words = [f"w{j}" for j in range(vocabulary)]
    features, labels = [], []
    for _ in range(count):
        chosen = {int(vocabulary ** random_.random()) - 1 for _ in range(present)}
        while len(chosen) < present:
            chosen.add(random_.randrange(vocabulary))
        features.append({words[j]: 1.0 for j in sorted(chosen)})
        labels.append(sum(j % 2 for j in chosen if j < 100) > 5)
    return Samples(f"{present} of {vocabulary:,}", features, labels)

"""The inputs of the simulation: few enough records for thousands of runs, with something of everything."""

from __future__ import annotations

import functools
import json
from typing import Any

from service.settings import Settings
from tests.corpus import Case, cases, settings
from tests.faults.oracle import Oracle

MODELS: tuple[dict[str, Any], ...] = (
    {},
    {"optimizer": "adam"},
    {"learning_rate": "auto", "l2": 0.0},
    {"optimizer": "ftrl", "l1": 0.001},
)
WIDE = {20: range(180), 60: range(120, 240)}
"""Records with many features at once, by offset: the model is soon of two blocks, and near its bound."""

MAX_FEATURES = 330


@functools.cache
def chosen(corpus: int, batch: int = 4, instance_id: str = "") -> Settings:
    """Return the settings of a learner."""
    engine = {"max_batch": batch, "instance_id": instance_id}
    model = {"name": "simulated", "max_features": MAX_FEATURES, **MODELS[corpus]}
    return settings(model=model, engine=engine)


@functools.cache
def records(corpus: int, count: int) -> list[Case]:
    """Return the records of a corpus."""
    plain = cases(count + 100, seed=100 + corpus)
    if MODELS[corpus].get("learning_rate") == "auto":  # which scales robustly: nothing diverges
        plain = [case for case in plain if case.reason != "diverged"]
    return [_wide(offset) if offset in WIDE else case for offset, case in enumerate(plain[:count])]


def _wide(offset: int) -> Case:
    features = {f"wide{number}": number / 100 for number in WIDE[offset]}
    value = json.dumps({"features": features, "label": 1}).encode()
    return Case(None, value, features=features, label=1.0)


@functools.cache
def oracle(corpus: int, count: int) -> Oracle:
    """Return what a run over these records has to leave."""
    return Oracle(records(corpus, count), chosen(corpus))

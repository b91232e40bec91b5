"""The catalogue of data sets: name, task, and whether the set was kept out of the tuning of the defaults.

Each set is made by a function without arguments, the same rows every time. Features are numbers, and text
is one-hot already, so that every library gets the same; a missing value is a missing name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from benchmarks.quality import generators, shipped, synthetic
from benchmarks.quality.rows import BINARY, REGRESSION, Features, Rows

BINARY_SETS: dict[str, Callable[[], Rows]] = {
    "phishing": shipped.phishing,
    "bananas": shipped.bananas,
    "image-segments": shipped.image_segments,
    "breast-cancer": shipped.breast_cancer,
    "iris": shipped.iris,
    "wine": shipped.wine,
    "digits": shipped.digits,
    "sea-drift": generators.sea_drift,
    "agrawal": generators.agrawal,
    "agrawal-drift": generators.agrawal_drift,
    "hyperplane": generators.hyperplane,
    "random-rbf": generators.random_rbf,
    "random-rbf-drift": generators.random_rbf_drift,
    "led": generators.led,
    "sine": generators.sine,
    "waveform": generators.waveform,
    "stagger": generators.stagger,
    "abrupt-drift": synthetic.abrupt_drift,
    "gradual-drift": synthetic.gradual_drift,
    "badly-scaled": synthetic.badly_scaled,
    "imbalanced": synthetic.imbalanced,
    "label-noise": synthetic.label_noise,
    "words": synthetic.words,
    "many-levels": synthetic.many_levels,
    "heavy-inputs": synthetic.heavy_inputs,
    "late-features": synthetic.late_features,
    "missing-values": synthetic.missing_values,
    "correlated": synthetic.correlated,
    "far-from-zero": synthetic.far_from_zero,
    "counts": synthetic.counts,
    "wide": synthetic.wide,
    "separable": synthetic.separable,
    "bursts": synthetic.bursts,
    "coin": synthetic.coin,
    "tiny": synthetic.tiny,
    "long": synthetic.long,
}
REGRESSION_SETS: dict[str, Callable[[], Rows]] = {
    "trump-approval": shipped.trump_approval,
    "chick-weights": shipped.chick_weights,
    "airline-passengers": shipped.airline_passengers,
    "solar-flare": shipped.solar_flare,
    "diabetes": shipped.diabetes,
    "linnerud": shipped.linnerud,
    "friedman": generators.friedman,
    "friedman-drift": generators.friedman_drift,
    "planes": generators.planes,
    "mv": generators.mv,
    "linear": synthetic.linear,
    "turning": synthetic.turning,
    "badly-scaled-values": synthetic.badly_scaled_values,
    "heavy-targets": synthetic.heavy_targets,
    "skewed-targets": synthetic.skewed_targets,
    "far-targets": synthetic.far_targets,
    "word-values": synthetic.word_values,
    "level-values": synthetic.level_values,
    "late-values": synthetic.late_values,
    "gappy-values": synthetic.gappy_values,
    "noise-values": synthetic.noise_values,
}
NAMES = (*BINARY_SETS, *REGRESSION_SETS)
HELD_OUT = frozenset(
    [
        "image-segments",
        "wine",
        "agrawal-drift",
        "random-rbf-drift",
        "sine",
        "stagger",
        "gradual-drift",
        "label-noise",
        "many-levels",
        "missing-values",
        "counts",
        "bursts",
        "airline-passengers",
        "linnerud",
        "friedman-drift",
        "mv",
        "skewed-targets",
        "level-values",
        "gappy-values",
    ]
)
"""The sets by which no constant of a default was chosen."""


@dataclass(frozen=True)
class Dataset:
    """A named stream of labelled samples, in the order in which they come."""

    name: str
    task: str
    held_out: bool
    samples: list[Features]
    labels: npt.NDArray[np.float64]

    @property
    def loss(self) -> str:
        """The project's name of the loss for this task."""
        return "log" if self.task == BINARY else "squared"

    @cached_property
    def names(self) -> list[str]:
        """All feature names, in order of first appearance."""
        return list(dict.fromkeys(name for sample in self.samples for name in sample))

    @cached_property
    def digest(self) -> str:
        """What the rows are, in sixteen characters: results kept from other rows don't count."""
        rows = json.dumps([self.samples, self.labels.tolist()])
        return hashlib.sha256(rows.encode()).hexdigest()[:16]


def load(names: Iterable[str]) -> list[Dataset]:
    """Return the named data sets.

    Raises
    ------
    KeyError
        There is no data set of that name.
    """
    return [_make(name) for name in names]


def _make(name: str) -> Dataset:
    task = BINARY if name in BINARY_SETS else REGRESSION
    samples, labels = (BINARY_SETS | REGRESSION_SETS)[name]()
    return Dataset(name, task, name in HELD_OUT, samples, labels)

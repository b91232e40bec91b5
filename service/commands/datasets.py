"""Real data sets by name: those that come inside river's wheel."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from service.errors import ConfigurationError
from service.settings import FieldSettings

CLASSES = {
    "phishing": ("Phishing", "binary"),
    "bananas": ("Bananas", "binary"),
    "trumpapproval": ("TrumpApproval", "regression"),
    "chickweights": ("ChickWeights", "regression"),
}
"""By name: river's class, and the task."""


@dataclass(frozen=True)
class DataSet:
    """Labelled samples in their order; features are numbers."""

    name: str
    task: Literal["binary", "regression"]
    samples: list[tuple[dict[str, Any], float | bool]]

    def records(self, fields: FieldSettings, repeat: int = 1) -> Iterator[Mapping[str, Any]]:
        """Yield samples as they go over the wire; ids go on through all rounds, so each is distinct."""
        for number in range(repeat * len(self.samples)):
            features, label = self.samples[number % len(self.samples)]
            nested = features if fields.features == "*" else {fields.features: features}
            yield {fields.id: f"{self.name}-{number}", **nested, fields.label: label}


def task_of(name: str) -> str:
    """Return the task of a data set.

    Raises
    ------
    ConfigurationError
        There is none of that name; the message lists all.
    """
    if name not in CLASSES:
        raise ConfigurationError(f"--dataset {name!r} is not known; there are {', '.join(CLASSES)}")
    return CLASSES[name][1]


def load_dataset(name: str) -> DataSet:
    """Read a data set.

    Raises
    ------
    ConfigurationError
        There is none of that name.
    """
    task = task_of(name)
    from river import datasets

    make: Callable[[], Any] = getattr(datasets, CLASSES[name][0])
    samples = [(dict(features), label) for features, label in make()]
    return DataSet(name, task, samples)  # type: ignore[arg-type]

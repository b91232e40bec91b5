"""Data sets that river and scikit-learn ship: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from river import datasets
from sklearn import datasets as sklearn_sets

from benchmarks.quality.rows import Rows, from_matrix, from_records, shuffled

SEED = 11
river_sets: Any = datasets  # untyped constructors


def phishing() -> Rows:
    return from_records(river_sets.Phishing())


def bananas() -> Rows:
    return from_records(river_sets.Bananas())


def image_segments() -> Rows:
    """One class, window, against six others; it is not to be told by a threshold."""
    records = ((x, y == "window") for x, y in river_sets.ImageSegments())
    return shuffled(from_records(records), SEED)


def breast_cancer() -> Rows:
    return _table(sklearn_sets.load_breast_cancer, lambda y: y)


def iris() -> Rows:
    """Versicolor against the other two, which lie on both sides of it."""
    return _table(sklearn_sets.load_iris, lambda y: y == 1)


def wine() -> Rows:
    return _table(sklearn_sets.load_wine, lambda y: y == 1)


def digits() -> Rows:
    """Eight against the other digits; dark pixels only, as in a sparse record."""
    samples, labels = _table(sklearn_sets.load_digits, lambda y: y == 8)
    return [{name: value for name, value in sample.items() if value} for sample in samples], labels


def trump_approval() -> Rows:
    return from_records(river_sets.TrumpApproval())


def chick_weights() -> Rows:
    """Weights over time; chick and diet are names, not numbers."""
    records = (
        ({"time": x["time"], "chick": str(x["chick"]), "diet": str(x["diet"])}, y)
        for x, y in river_sets.ChickWeights()
    )
    return from_records(records)


def airline_passengers() -> Rows:
    """Give a trend with seasons: years since the first, and the month's name."""
    records = (
        ({"year": x["month"].year - 1949, "month": x["month"].strftime("%b")}, y)
        for x, y in river_sets.AirlinePassengers()
    )
    return from_records(records)


def solar_flare() -> Rows:
    """How many of the commonest of three kinds of flares: most days none."""
    return from_records((x, y["c-class-flares"]) for x, y in river_sets.SolarFlare())


def diabetes() -> Rows:
    return _table(sklearn_sets.load_diabetes, lambda y: y)


def linnerud() -> Rows:
    """Twenty rows: weight from three exercises."""
    return _table(sklearn_sets.load_linnerud, lambda y: y[:, 0])


def _table(load: Callable[..., Any], target: Callable[[Any], Any]) -> Rows:
    table = load()
    names = [name.replace(" ", "_") for name in table.feature_names]
    return shuffled(from_matrix(table.data, target(table.target), names), SEED)

"""Streams made by river's generators, with and without drift."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from river.datasets import synth

from benchmarks.quality.rows import Rows, from_records

ROWS = 4000


def sea_drift() -> Rows:
    """Four concepts, each for a quarter of the time."""
    parts = (synth.SEA(variant=v, seed=v, noise=0.1).take(ROWS // 4) for v in range(4))
    return from_records(chain.from_iterable(parts))


def agrawal() -> Rows:
    """Loan applicants: amounts of money beside ages and codes."""
    return from_records(synth.Agrawal(classification_function=1, seed=3, perturbation=0.05).take(ROWS))


def agrawal_drift() -> Rows:
    """From one rule to another, gradually, about the middle."""
    before = synth.Agrawal(classification_function=7, seed=4)
    after = synth.Agrawal(classification_function=3, seed=4)
    return from_records(_gradual(before, after).take(ROWS))


def hyperplane() -> Rows:
    stream = synth.Hyperplane(seed=5, n_features=10, n_drift_features=5, mag_change=0.002)
    return from_records(stream.take(ROWS))


def random_rbf() -> Rows:
    return from_records(synth.RandomRBF(seed_model=6, seed_sample=6, n_centroids=12).take(ROWS))


def random_rbf_drift() -> Rows:
    stream = synth.RandomRBFDrift(
        seed_model=7, seed_sample=7, n_centroids=12, change_speed=0.002, n_drift_centroids=8
    )
    return from_records(stream.take(ROWS))


def led() -> Rows:
    """Whether a seven-segment display with broken segments shows an eight, among useless inputs."""
    stream = synth.LED(seed=8, noise_percentage=0.1, irrelevant_features=True)
    return from_records((x, y == 8) for x, y in stream.take(ROWS))


def sine() -> Rows:
    """Draw a curved boundary, and turn it over in the middle."""
    parts = (synth.Sine(classification_function=f, seed=9).take(ROWS // 2) for f in (0, 1))
    return from_records(chain.from_iterable(parts))


def waveform() -> Rows:
    """One of three waves against the others, with noise inputs."""
    stream = synth.Waveform(seed=10, has_noise=True)
    return from_records((x, y == 1) for x, y in stream.take(ROWS // 2))


def stagger() -> Rows:
    """Three rules over sizes, colours and shapes, one after another."""
    parts = (synth.STAGGER(classification_function=f, seed=f).take(ROWS // 3) for f in range(3))
    return from_records(_as_text(chain.from_iterable(parts)))


def friedman() -> Rows:
    return from_records(synth.Friedman(seed=12).take(ROWS))


def friedman_drift() -> Rows:
    stream = synth.FriedmanDrift(drift_type="gra", position=(1500, 3000), transition_window=500, seed=13)
    return from_records(stream.take(ROWS))


def planes() -> Rows:
    return from_records(synth.Planes2D(seed=14).take(ROWS))


def mv() -> Rows:
    """Numbers of very different size, with text that depends on them."""
    return from_records(synth.Mv(seed=15).take(ROWS))


def _gradual(before: Any, after: Any) -> Any:
    return synth.ConceptDriftStream(before, after, position=ROWS // 2, width=ROWS // 4, seed=1)


def _as_text(records: Iterable[tuple[dict[Any, Any], Any]]) -> Iterable[tuple[dict[Any, Any], Any]]:
    return (({name: str(value) for name, value in x.items()}, y) for x, y in records)

"""What our defaults are held to, and whether they keep it."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.quality.report import OWN
from benchmarks.quality.results import Results, binary, geometric_mean, share


def verdicts(results: Results) -> Iterator[tuple[str, str, str, bool]]:
    """Yield learner, target, what was found, and whether it is kept."""
    present = set(results.contenders)
    for name in ("auto", "ladder"):
        if name in present:
            yield from ((name, *verdict) for verdict in _both(results, name))
            yield from ((name, *verdict) for verdict in (_auto if name == "auto" else _ladder)(results, name))


Verdict = tuple[str, str, bool]


def _both(results: Results, name: str) -> Iterator[Verdict]:
    margin = results.margin(name, OWN)
    yield "average rank ahead of every other's by 3", f"{margin:.2f}", margin >= 3
    failures = results.failures(name)
    yield "no failure", ", ".join(failures) or "none", not failures
    to_base = max(results.to_base(name).values())
    yield "never worse than the base rate by over 2 %", f"{to_base:.4f}", to_base <= 1.02


def _auto(results: Results, name: str) -> Iterator[Verdict]:
    ratios = results.ratios(name).values()
    mean = geometric_mean(ratios)
    yield "loss / hindsight: geometric mean ≤ 1.02", f"{mean:.4f}", mean <= 1.02
    yield "loss / hindsight: worst ≤ 1.5", f"{max(ratios):.3f}", max(ratios) <= 1.5


def _ladder(results: Results, name: str) -> Iterator[Verdict]:
    classes = results.where(binary).ratios(name).values()
    values = results.where(lambda data: not binary(data)).ratios(name).values()
    if classes:
        near = share(classes, 1.02)
        yield "log loss ≤ 1.02 × hindsight on ≥ 85 %", f"{100 * near:.0f} %", near >= 0.85
        yield "log loss ≤ 1.2 × hindsight on all", f"{max(classes):.3f}", max(classes) <= 1.2
    if values:
        near = share(values, 1.05)
        yield "RMSE ≤ 1.05 × hindsight on ≥ 80 %", f"{100 * near:.0f} %", near >= 0.8

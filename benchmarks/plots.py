"""One picture for each question: bars of medians, with whiskers from the lowest to the highest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from matplotlib.figure import Figure

from benchmarks.report import ROOT

OURS, OTHERS, CEILING = "tab:red", "tab:gray", "lightgray"


def bars(
    file: Path, title: str, unit: str, figures: Mapping[str, Sequence[float]], colours: Mapping[str, str]
) -> str:
    """Draw a bar for each name, the highest on top, and return the Markdown that shows the picture."""
    names = sorted(figures, key=lambda name: median(figures[name]))
    middles = [median(figures[name]) for name in names]
    below = [middle - min(figures[name]) for name, middle in zip(names, middles, strict=True)]
    above = [max(figures[name]) - middle for name, middle in zip(names, middles, strict=True)]
    figure = Figure(figsize=(8, 1 + 0.3 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, middles, xerr=[below, above], color=[colours.get(name, OTHERS) for name in names])
    axes.set_xlabel(unit)
    axes.set_title(title, fontsize="medium")
    return _saved(figure, file, title)


def curve(file: Path, title: str, x_label: str, y_label: str, x: Sequence[float], y: Sequence[float]) -> str:
    """Draw a curve from zero on, and return the Markdown that shows the picture."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    axes.plot(x, y, color=OURS)
    axes.set(xlabel=x_label, ylabel=y_label, ylim=(0, 1.2 * max(y)))
    axes.set_title(title, fontsize="medium")
    return _saved(figure, file, title)


def _saved(figure: Figure, file: Path, title: str) -> str:
    """Save a picture, and return the Markdown that shows it, as seen from docs/benchmarks.md."""
    file, docs = file.resolve(), ROOT / "docs"
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=110)
    shown = file.relative_to(docs) if file.is_relative_to(docs) else file
    return f"![{title}]({shown})"

"""Pictures of a fit: the cost curve, and for two features the decision boundary. Needs matplotlib."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron_core.fit import Fit, as_dicts

INK, PALE, GRID = "#333333", "#8a8a8a", "#e6e6e6"
NEGATIVE, POSITIVE, LINE = "#1f4e79", "#e07b39", "#333333"
STEPS = 121
"""Points along each side of the grid on which ŷ is drawn."""


def plot(result: Fit, path: str | Path, samples: Any = None, labels: Any = None) -> None:
    """Draw the cost by epoch and, for two features, the decision boundary with the samples.

    Parameters
    ----------
    result
        Of :func:`perceptron_core.fit.fit`.
    path
        A picture's name; its ending says the format.
    samples, labels
        What was fitted. Without them, or with more or fewer than two numeric features, only the cost is
        drawn.

    Raises
    ------
    ImportError
        matplotlib is not installed.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    drawn = _points(result, samples, labels)
    figure = Figure(figsize=(5.5 if drawn is None else 11, 4.5), layout="constrained")
    panels = figure.subplots(1, 1 if drawn is None else 2, squeeze=False)[0]
    _draw_costs(panels[0], result)
    if drawn is not None:
        _draw_boundary(panels[1], result, *drawn)
        bar = figure.colorbar(
            panels[1].collections[0], ax=panels[1], label="ŷ", pad=0.01, ticks=MaxNLocator(5)
        )
        bar.outline.set_visible(False)
    for panel in panels:
        panel.tick_params(colors=PALE, length=0)
        panel.spines[["top", "right"]].set_visible(False)
        panel.spines[["left", "bottom"]].set_color(PALE)
    figure.savefig(path, dpi=160)


def _draw_costs(panel: Any, result: Fit) -> None:
    """Draw C by epoch, on a logarithmic scale where it spans decades."""
    costs = result.costs
    panel.plot(range(len(costs)), costs, color=NEGATIVE, linewidth=2.2)
    if costs.min() > 0 and costs.max() > 100 * costs.min():
        panel.set_yscale("log")
    panel.set_title(
        f"{result.epochs:,} epochs, stopped by {result.reason}: C = {costs[-1]:.4g}",
        loc="left",
        fontsize=10,
        color=INK,
    )
    panel.set_xlabel("epoch", color=INK)
    panel.set_ylabel("cost C", color=INK)
    panel.grid(axis="y", color=GRID, linewidth=0.8)


def _draw_boundary(
    panel: Any, result: Fit, names: list[str], x: npt.NDArray[Any], y: npt.NDArray[Any]
) -> None:
    """Draw ŷ over the plane, the line z = 0 of a classifier, and the samples."""
    sides = [_side(column) for column in x.T]
    grid = [dict(zip(names, point, strict=True)) for point in _mesh(*sides)]
    scores = np.array([result.model.score_one(point) for point in grid]).reshape(STEPS, STEPS)
    predictions = np.array([result.model.predict_one(point) for point in grid]).reshape(STEPS, STEPS)
    is_classifier = result.model.target_range == (0.0, 1.0)
    low, high = (
        (0.0, 1.0) if is_classifier else (min(y.min(), predictions.min()), max(y.max(), predictions.max()))
    )
    colours = _colours()
    panel.contourf(
        *sides,
        predictions,
        levels=np.linspace(low, high if high > low else low + 1.0, 21),
        cmap=colours,
        alpha=0.45,
    )
    if is_classifier and scores.min() < 0.0 < scores.max():
        panel.contour(*sides, scores, levels=[0.0], colors=LINE, linewidths=1.8)
    panel.scatter(
        *x.T,
        c=y,
        cmap=colours,
        vmin=low,
        vmax=high,
        s=26,
        edgecolors="white" if is_classifier else INK,
        linewidths=0.7,
        zorder=3,
    )
    panel.set_title(
        "decision boundary z = 0" if is_classifier else "prediction ŷ", loc="left", fontsize=10, color=INK
    )
    panel.set_xlabel(names[0], color=INK)
    panel.set_ylabel(names[1], color=INK)


def _colours() -> Any:
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("classes", [NEGATIVE, "#f5f5f5", POSITIVE])


def _side(column: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a side of the grid: what the samples span, and a tenth beyond."""
    margin = 0.1 * (column.max() - column.min()) or 1.0
    return np.linspace(column.min() - margin, column.max() + margin, STEPS)


def _mesh(across: npt.NDArray[Any], up: npt.NDArray[Any]) -> list[list[float]]:
    return [[x, y] for y in up.tolist() for x in across.tolist()]


def _points(
    result: Fit, samples: Any, labels: Any
) -> tuple[list[str], npt.NDArray[Any], npt.NDArray[Any]] | None:
    """Return names, (n, 2) inputs and labels where each sample has the two numbers, else None."""
    names = list(result.weights)
    if samples is None or len(names) != 2:
        return None
    rows = [[features.get(name) for name in names] for features in as_dicts(samples)]
    if any(value is None or isinstance(value, str) for row in rows for value in row):
        return None
    return names, np.array(rows, dtype=np.float64), np.array(labels, dtype=np.float64)

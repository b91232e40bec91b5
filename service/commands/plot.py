"""The picture of ``evaluate --plot``: how the metrics went, on the whole and lately."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron_core.metrics import BinaryMetrics, RegressionMetrics
from service.errors import ConfigurationError

Metrics = BinaryMetrics | RegressionMetrics

PANELS = {
    "binary": [("accuracy", "accuracy"), ("log_loss", "log loss")],
    "regression": [("mae", "mean absolute error"), ("rmse", "root mean squared error")],
}
SUFFIXES = (".png", ".svg", ".pdf", ".jpg", ".jpeg", ".webp")
MAX_POINTS = 1000
WHOLE, LATELY, GRID, INK, PALE = "#1f4e79", "#e07b39", "#e6e6e6", "#333333", "#8a8a8a"


def check_plot(file: Path) -> None:
    """Raise before the work is done where its picture could not be drawn.

    Raises
    ------
    ConfigurationError
        matplotlib is missing, or the file can't be written as a picture.
    """
    if find_spec("matplotlib") is None:
        raise ConfigurationError(
            "--plot needs matplotlib, which is not installed: install perceptron-stream[plot]"
        )
    if file.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(
            f"--plot {str(file)!r}: a name that ends in {', '.join(SUFFIXES)} was expected"
        )
    if not file.absolute().parent.is_dir():
        raise ConfigurationError(f"--plot {str(file)!r}: directory {str(file.parent)!r} does not exist")


def plot(file: Path, curve: list[list[float]], task: str, title: str) -> None:
    """Draw the curve of the metrics' states."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 1, sharex=True)
    figure.suptitle(title, x=0.01, ha="left", fontsize=13, fontweight="bold", color=INK)
    states = _thinned(curve)
    window = max(1, len(states) // 10)
    for panel, (name, label) in zip(axes, PANELS[task], strict=True):
        _draw(panel, name, label, states, window, task)
    axes[-1].set_xlabel("labelled samples", color=INK)
    axes[-1].xaxis.set_major_formatter("{x:,.0f}")
    figure.savefig(file, dpi=160)


def _draw(panel: Any, name: str, label: str, states: npt.NDArray[np.float64], window: int, task: str) -> None:
    """Draw one metric: over all samples so far, and over the last tenth of them."""
    samples = np.array([_value(state, "samples", task) for state in states])
    whole = [_value(state, name, task) for state in states]
    lately = [_value(after - before, name, task) for before, after in zip(states, states[window:])]  # noqa: B905
    panel.plot(samples[window:], lately, color=LATELY, linewidth=1.1, alpha=0.9)
    panel.plot(samples, whole, color=WHOLE, linewidth=2.2)
    _name_line(panel, samples[-1], whole[-1], f"{whole[-1]:.4g}", WHOLE)
    width = samples[-1] - samples[-1 - window] if window < len(samples) else 0
    panel.plot([], [], color=WHOLE, linewidth=2.2, label="all samples so far")
    panel.plot([], [], color=LATELY, linewidth=1.1, label=f"the last {width:,.0f}")
    panel.set_title(label, loc="left", fontsize=10, color=INK)
    panel.legend(frameon=False, fontsize=8, ncols=2, loc="lower right", bbox_to_anchor=(1, 1), labelcolor=INK)
    panel.grid(axis="y", color=GRID, linewidth=0.8)
    panel.set_axisbelow(True)
    panel.tick_params(colors=PALE, length=0)
    panel.spines[["top", "right", "left"]].set_visible(False)
    panel.spines["bottom"].set_color(PALE)
    panel.margins(x=0.01)


def _name_line(panel: Any, x: float, y: float, text: str, colour: str) -> None:
    panel.annotate(
        text, (x, y), xytext=(6, 0), textcoords="offset points", va="center", color=colour, fontsize=9
    )


def _thinned(curve: list[list[float]]) -> npt.NDArray[np.float64]:
    """Return at most some thousand states, evenly chosen, beginning with nothing learned."""
    step = -(-len(curve) // MAX_POINTS) or 1
    return np.array([[0.0] * 5, *reversed(curve[::-step])])


def _value(state: npt.NDArray[np.float64], name: str, task: str) -> float:
    """Return a metric of a state, or of the samples between two."""
    metrics: Metrics = BinaryMetrics() if task == "binary" else RegressionMetrics()
    metrics.load(state.tolist())
    values = metrics.values()
    return values[name] if values["samples"] else float("nan")

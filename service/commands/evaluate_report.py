"""What ``perceptron evaluate`` says: metrics, rejections, speed - as tables, JSON or a picture."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from perceptron_core import Perceptron
from service.commands.evaluate import Evaluation
from service.commands.json_text import json_text
from service.commands.plot import plot
from service.settings import Settings


def report(
    evaluation: Evaluation, settings: Settings, name: str, picture: Path | None, as_json: bool
) -> None:
    """Print an evaluation to stdout, and draw it where asked to."""
    if as_json:
        print(json_text(evaluation.as_json()))
    else:
        Console(highlight=False).print(_tables(evaluation, name))
    if picture is not None:
        title = f"{name}, each sample predicted, then learned"
        plot(picture, evaluation.curve, settings.model.task, title)


def _tables(evaluation: Evaluation, name: str) -> RenderableType:
    parts: list[RenderableType] = [_metrics(evaluation, name)]
    if evaluation.rejected:
        parts.append(_rejections(evaluation))
    model = evaluation.learner.model
    features = f"{model.n_features:,} features, " if isinstance(model, Perceptron) else ""
    parts.append(
        Text(
            f"{evaluation.records:,} records, {model.version:,} learned, {features}"
            f"{evaluation.speed:,.0f} records/s"
        )
    )
    return Group(*parts)


def _metrics(evaluation: Evaluation, name: str) -> Table:
    table = Table(title=name, title_justify="left")
    table.add_column("metric")
    table.add_column("value", justify="right", style="bold")
    for metric, value in evaluation.learner.metric_values().items():
        shown = f"{value:,.0f}" if metric == "samples" else f"{value:.6f}"
        table.add_row(metric.replace("_", " "), shown)
    return table


def _rejections(evaluation: Evaluation) -> Table:
    table = Table(title="rejected", title_justify="left")
    table.add_column("reason")
    table.add_column("count", justify="right")
    table.add_column("first line", justify="right")
    table.add_column("why")
    for reason, rejected in evaluation.rejected.items():
        table.add_row(reason, f"{rejected.count:,}", f"{rejected.line:,}", Text(rejected.message))
    return table

"""The weights of a neuron as a person reads them."""

from __future__ import annotations

from rich.table import Table
from rich.text import Text

from perceptron_core import Perceptron

LARGEST = 20


def weights_table(model: Perceptron, with_statistics: bool = False) -> Table:
    """Return the bias and the largest weights, with what the scaler knows of their features if asked for.

    Where several rates are mixed, each one's own weights stand beside, under its share in predictions.
    """
    weights = model.weights
    largest = sorted(weights.items(), key=lambda entry: -abs(entry[1]))[:LARGEST]
    table = Table(title=f"largest of {len(weights):,}", title_justify="left")
    table.add_column("feature")
    table.add_column("weight", justify="right")
    statistics = model.statistics
    columns = list(next(iter(statistics.values()), {})) if with_statistics else []
    for column in columns:
        table.add_column(column, justify="right")
    rates = model.weights_by_rate
    for rate, share in model.rate_shares.items():
        table.add_column(f"by rate {rate:g}\n({share:.0%})", justify="right")
    table.add_row("(bias)", f"{model.bias:+.6f}", end_section=True)
    for name, weight in largest:
        own = (f"{weights[name]:+.6f}" for weights in rates.values())
        table.add_row(Text(str(name)), f"{weight:+.6f}", *_numbers(statistics[name], columns), *own)
    return table


def _numbers(statistics: dict[str, float], columns: list[str]) -> list[str]:
    """Return what the scaler knows of a feature as texts; of a text, never scaled, it knows nothing."""
    return [f"{statistics[column]:,.6g}" if statistics["count"] else "" for column in columns]

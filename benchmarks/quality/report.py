"""Tables of the results, as text and as Markdown, and the pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path

from benchmarks.quality.contenders import OURS
from benchmarks.quality.results import Results, binary, geometric_mean, share
from benchmarks.quality.rows import BINARY, REGRESSION
from benchmarks.report import markdown

OWN = {contender.name for contender in OURS}
Row = list[str]

SUMMARY = ["learner", "rank", "ratio", "worst", "on", "≤ 1.02", "≤ 1.05", "≤ 1.2", "to base", "MAE", "failed"]


def summary(results: Results) -> list[Row]:
    """Return a line for each contender.

    Its average rank; loss / hindsight: geometric mean, worst, on which set, shares within limits; the worst
    loss / that of the base rate; in regression the geometric mean of MAE / the running mean's; failures.
    """
    return [SUMMARY, *(_line(results, name) for name in results.contenders)]


def per_dataset(results: Results) -> list[Row]:
    """Return a line for each data set: hindsight's loss and setting, our ratios, the best of the others'."""
    present = set(results.contenders)
    own = [contender.name for contender in OURS if contender.name in present]
    head = ["data set", "rows", "hindsight", "by", *own, "best other", "its name"]
    lines = []
    for data in results.datasets:
        best = results.hindsight[data.name]
        losses = {name: score.loss for name, score in results.scores[data.name].items()}
        other = min((name for name in losses if name not in OWN), key=losses.__getitem__)
        ratios = [f"{losses[name] / best.loss:.3f}" for name in [*own, other]]
        name = f"{data.name}{' *' if data.held_out else ''}"
        lines.append([name, f"{len(data.samples):,}", f"{best.loss:.4g}", best.setting, *ratios, other])
    return [head, *lines]


def as_text(rows: list[Row]) -> str:
    """Return the rows in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) if j == 0 else cell.rjust(width) for j, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in rows)
    )


def as_markdown(rows: list[Row]) -> str:
    """Return the rows as a Markdown table."""
    return markdown(rows[0], rows[1:])


def sections(results: Results) -> Iterable[tuple[str, list[Row]]]:
    """Yield each table with its title: by task, overall and kept out of tuning; then set by set."""
    parts = {
        BINARY: ("Binary: log loss", results.where(binary)),
        REGRESSION: ("Regression: RMSE", results.where(lambda data: not binary(data))),
    }
    for title, part in parts.values():
        held_out = part.where(lambda data: data.held_out)
        if part.datasets:
            yield f"{title}, {len(part.datasets)} sets", summary(part)
        if held_out.datasets and len(held_out.datasets) < len(part.datasets):
            yield f"{title}, the {len(held_out.datasets)} sets kept out of tuning", summary(held_out)
    yield "All sets", summary(results)
    yield "Set by set, loss / hindsight (* kept out of tuning)", per_dataset(results)


def plot(results: Results, file: Path) -> None:
    """Draw, for each contender, its losses / hindsight over the sets, the best average rank on top."""
    from matplotlib.figure import Figure

    names = results.contenders[::-1]
    ratios = [list(results.ratios(name).values()) for name in names]
    figure = Figure(figsize=(9, 1 + 0.28 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.boxplot(ratios, orientation="horizontal", widths=0.6, sym=".", medianprops={"color": "tab:red"})
    axes.set_yticks(range(1, len(names) + 1), names)
    axes.set_xscale("log")
    axes.axvline(1.0, color="gray", linewidth=0.8)
    axes.set_xlabel("loss / the best setting in hindsight")
    figure.savefig(file, dpi=110)


def _line(results: Results, name: str) -> Row:
    ratios, to_base = results.ratios(name), results.to_base(name)
    worst = max(ratios, key=ratios.__getitem__)
    values, mae = ratios.values(), results.mae_to_base(name).values()
    return [
        name,
        f"{results.rank(name):.1f}",
        f"{geometric_mean(values):.3f}",
        f"{ratios[worst]:.3g}",
        worst,
        *(f"{100 * share(values, limit):.0f} %" for limit in (1.02, 1.05, 1.2)),
        f"{max(to_base.values(), default=math.nan):.3g}",
        f"{geometric_mean(mae):.3f}" if mae else "–",
        str(len(results.failures(name))),
    ]

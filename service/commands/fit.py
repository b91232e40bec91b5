"""``perceptron fit``: gradient descent over a whole file until convergence; no stream, no model topic."""

from __future__ import annotations

import logging
import math
import threading
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from perceptron_core import Rejection
from perceptron_core.fit import Fit, FitDiverged, fit
from service.commands.json_text import json_text
from service.commands.lines import Source
from service.commands.progress import Progress
from service.commands.weights_table import weights_table
from service.errors import PerceptronError
from service.records import Decoder
from service.settings import Settings

log = logging.getLogger("perceptron")

REASONS = {
    "gradient": "the gradient is nearly 0",
    "cost": "the cost hardly changes",
    "patience": "the cost has not fallen for a while",
    "epochs": "not converged: the epochs are used up",
    "stopped": "interrupted",
}


@dataclass
class Labelled:
    """The samples of a file that can be fitted, and how many of its lines can't be."""

    features: list[dict[str, Any]] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)
    weights: list[float] = field(default_factory=list)
    unlabelled: int = 0
    rejected: dict[str, list[str]] = field(default_factory=dict)  # messages by reason


@dataclass(frozen=True)
class Descent:
    """What a person may say of the descent; None: the default of :func:`perceptron_core.fit.fit`."""

    learning_rate: float | None = None
    batch_size: int | None = None
    max_epochs: int | None = None
    gradient_tolerance: float | None = None
    patience: int | None = None

    def given(self) -> dict[str, Any]:
        """Return what was said."""
        return {name: value for name, value in vars(self).items() if value is not None}


def labelled(settings: Settings, source: Source, stop: threading.Event) -> Labelled:
    """Return the usable labelled samples of all lines, decoded and refused as the service does."""
    found, line = Labelled(), 1
    decoder, model = Decoder(settings), settings.model.new_perceptron()
    for lines in source.batches(stop):
        samples = decoder.decode(lines)
        refused: list[tuple[int, Rejection]] = []
        model.predict_learn_many(samples.features, [math.nan] * len(samples.rows), None, refused)
        rejections = samples.rejections + [(samples.rows[index], why) for index, why in refused]
        for row, why in sorted(rejections):
            found.rejected.setdefault(why.reason, []).append(f"line {line + row}: {why.message}")
        unusable = {index for index, _ in refused}
        for index, label in enumerate(samples.labels):
            if index in unusable:
                continue
            if math.isnan(label):
                found.unlabelled += 1
                continue
            found.features.append(samples.features[index])
            found.labels.append(label)
            found.weights.append(samples.weights[index])
        line += len(lines)
    return found


def descend(settings: Settings, found: Labelled, descent: Descent, stop: threading.Event) -> Fit:
    """Fit the samples by the settings' model, with the progress shown.

    Raises
    ------
    PerceptronError
        The data can't be fitted, or the descent diverged; the message says what to try.
    """
    model, shown = settings.model, [""]

    def on_epoch(epoch: int, cost: float, norm: float) -> bool:
        shown[0] = f"epoch {epoch:,} · cost {cost:.6g} · gradient {norm:.3g}"
        return stop.is_set()

    same = ("l2", "scale", "options", "hash_bits", "interactions")
    common = {"weights": found.weights, **{name: getattr(model, name) for name in same}}
    with Progress(lambda: shown[0]), warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            result = fit(
                found.features,
                found.labels,
                loss=model.loss or "log",
                activation=model.activation,
                on_epoch=on_epoch,
                **common,
                **descent.given(),
            )
        except (ValueError, FitDiverged) as error:
            raise PerceptronError(str(error)) from None
    for warning in said:
        log.warning("%s", warning.message)
    return result


def report(
    result: Fit, found: Labelled, settings: Settings, name: str, picture: Path | None, as_json: bool
) -> None:
    """Print a fit to stdout, and draw it where asked to."""
    if as_json:
        rejected = {reason: len(messages) for reason, messages in found.rejected.items()}
        counts = {"samples": len(found.labels), "unlabelled": found.unlabelled, "rejected": rejected}
        print(json_text({**counts, **result.to_dict()}))
    else:
        Console(highlight=False).print(_tables(result, found, name))
    if picture is not None:
        from perceptron_core.fit_plot import plot

        plot(result, picture, found.features, found.labels)


def _tables(result: Fit, found: Labelled, name: str) -> RenderableType:
    parts: list[RenderableType] = [_facts(result, found, name), weights_table(result.model)]
    for reason, messages in found.rejected.items():
        parts.append(Text(f"rejected, {reason}: {len(messages):,}; the first: {messages[0]}"))
    return Group(*parts)


def _facts(result: Fit, found: Labelled, name: str) -> Table:
    table = Table(title=name, title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right", style="bold")
    unlabelled = f" ({found.unlabelled:,} without a label left out)" if found.unlabelled else ""
    facts = {
        "samples": f"{len(found.labels):,}{unlabelled}",
        "epochs": f"{result.epochs:,}",
        "stopped": REASONS[result.reason],
        "cost at the start": f"{result.costs[0]:.6f}",
        "cost at the end": f"{result.costs[-1]:.6f}",
        "norm of the gradient": f"{result.gradient_norms[-1]:.3g}",
    }
    for fact, value in facts.items():
        table.add_row(fact, value)
    return table

"""What the demo says at its end: our neuron beside river's, and where to look further."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from service.commands.datasets import DataSet
from service.commands.given import Given
from service.commands.river_peer import Peer
from service.settings import Settings

ROWS = {
    "accuracy": "accuracy",
    "log_loss": "log loss",
    "f1": "F1",
    "mae": "MAE",
    "rmse": "RMSE",
    "r2": "R²",
}


@dataclass(frozen=True)
class Plan:
    """A demo of its own name, so that runs never mix; ``given`` says it again on a command line."""

    dataset: str
    given: Given
    settings: Settings

    def command(self, *words: str) -> str:
        """Return a command that looks at this demo's topics."""
        config = ["--config", str(self.given.config)] if self.given.config else []
        sets = [word for override in self.given.sets for word in ("--set", override)]
        return shlex.join(["perceptron", *words, *config, "--stream", self.settings.stream.url, *sets])


@dataclass(frozen=True)
class Report:
    """The outcome of a demo; speeds in samples a second."""

    plan: Plan
    dataset: DataSet
    metrics: dict[str, float]
    through_speed: float
    bare_speed: float
    peer: Peer
    published: Sequence[bytes]
    dead: int

    @property
    def largest_difference(self) -> float:
        """The largest difference between a published prediction and river's."""
        ours = [_number(value) for value in self.published]
        return max((abs(p - q) for p, q in zip(ours, self.peer.predictions, strict=True)), default=0.0)

    def print(self) -> None:
        """Print the report to stdout."""
        console = Console(highlight=False)
        console.print(Group(Text(), self._table(), self._facts()))
        for title, lines in self._lists().items():
            console.print(Text(f"\n{title}", style="bold"))
            for line in lines:
                console.print(f"  {line}", markup=False, soft_wrap=True)

    def _table(self) -> RenderableType:
        count = len(self.dataset.samples)
        table = Table(title=f"{self.dataset.name}: {count:,} samples", title_justify="left")
        table.add_column("")
        table.add_column("this neuron", justify="right", style="bold")
        table.add_column("river", justify="right")
        for name, label in ROWS.items():
            if name in self.peer.metrics:
                table.add_row(label, _shown(name, self.metrics[name]), _shown(name, self.peer.metrics[name]))
        table.add_section()
        river_speed = count / self.peer.seconds
        table.add_row("samples/s, bare loop", f"{self.bare_speed:,.0f}", f"{river_speed:,.0f}")
        table.add_row("samples/s, exactly once", f"{self.through_speed:,.0f}", "–")
        return table

    def _facts(self) -> RenderableType:
        settings = self.plan.settings
        rate = settings.model.learning_rate
        lines = [
            f"river: {self.peer.name}"
            + (f" with the same learning rate, {rate}" if self.peer.is_same else ""),
            "bare loop: predict_one and learn_one, record by record, no stream",
            f"exactly once: from stream to stream, in commits of {settings.engine.max_batch}",
            f"dead letters: {self.dead:,}",
        ]
        if self.peer.is_same:
            lines.insert(
                3, f"largest difference between the two models' predictions: {self.largest_difference:.1e}"
            )
        return Text("\n".join(lines))

    def _lists(self) -> dict[str, list[str]]:
        last = len(self.published) - 1
        chosen = sorted({0, last // 2, last}) if self.published else []
        return {
            "predictions as published": [self.published[index].decode() for index in chosen],
            "look further": [
                self.plan.command("consume", "predictions", "--max", "5"),
                self.plan.command("model", "show"),
            ],
        }


def _number(value: bytes) -> float:
    """Return what a published prediction predicts: the probability, or the value."""
    prediction = json.loads(value)
    return float(prediction["probability" if "probability" in prediction else "prediction"])


def _shown(name: str, value: float) -> str:
    return f"{100 * value:.2f} %" if name == "accuracy" else f"{value:.6f}"

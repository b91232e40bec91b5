"""``perceptron explain``: one sample through the article's equations, with its numbers."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from perceptron_core import Perceptron
from perceptron_core.explain import explain, neuron
from perceptron_core.explanation import Explanation
from service.commands.json_text import json_text
from service.errors import ConfigurationError
from service.records import Decoder, Samples
from service.settings import Settings

if TYPE_CHECKING:
    from service.pipelines.model import PipelineModel


def explained(
    settings: Settings, sample: str, model: Perceptron | PipelineModel | None, given: dict[str, Any]
) -> Explanation:
    """Return a sample's explanation by ``model``, or where there is none by a neuron of ``given``.

    Raises
    ------
    ConfigurationError
        The sample can't be used or has no label, the weights don't fit it, or there is no neuron.
    """
    if settings.model.pipeline or not isinstance(model, Perceptron | None):
        raise ConfigurationError("explain tells how the neuron learns; model.pipeline sets another model")
    read = _decoded(settings, sample)
    features = read.features[0]
    try:
        return explain(
            model or _neuron(settings, features, **given), features, read.labels[0], read.weights[0]
        )
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"SAMPLE: {error}") from None


def _decoded(settings: Settings, sample: str) -> Samples:
    read = Decoder(settings).decode([sample.encode("utf-8", "surrogateescape")])
    if read.rejections:
        _, why = read.rejections[0]
        raise ConfigurationError(f"SAMPLE: {why.message} ({why.reason})")
    if math.isnan(read.labels[0]):
        raise ConfigurationError(
            f"SAMPLE: no {settings.fields.label}; without one there is no loss to explain"
        )
    return read


def _neuron(
    settings: Settings, features: dict[str, Any], weights: dict[str, float], bias: float
) -> Perceptron:
    """Return a neuron of the settings, with inputs as they are: there are no statistics to scale by."""
    return neuron(weights, bias, features, **{**settings.model.new_perceptron().config, "scale": False})


def weights_given(text: str | None) -> dict[str, float]:
    """Return ``--weights`` as a dict.

    Raises
    ------
    ConfigurationError
        It is no JSON object of numbers.
    """
    try:
        weights = json.loads(text) if text else {}
        return {name: _number(value) for name, value in weights.items()}
    except (ValueError, AttributeError, TypeError):
        raise ConfigurationError(
            f'--weights {text!r}: a JSON object of numbers such as {{"x1": 0.5}} was expected'
        ) from None


def _number(value: Any) -> float:
    if isinstance(value, bool) or not math.isfinite(value):
        raise TypeError
    return float(value)


def report(told: Explanation, as_json: bool) -> None:
    """Print an explanation to stdout."""
    if as_json:
        print(json_text(told.to_dict()))
    else:
        Console(highlight=False, soft_wrap=True).print(_shown(told))


def _shown(told: Explanation) -> RenderableType:
    rows = told.table()
    table = Table()
    for name in rows[0]:
        table.add_column(name, justify="left" if name == "feature" else "right")
    for row in rows:
        # + 0.0: no minus before a 0
        table.add_row(
            *(Text(value if isinstance(value, str) else f"{value + 0.0:.6g}") for value in row.values())
        )
    return Group(Text(told.text()), table)

"""What each feature of a sample adds to its score."""

from __future__ import annotations

from typing import NamedTuple

from perceptron_core.features import display
from perceptron_core.perceptron import Features, Perceptron


class Contribution(NamedTuple):
    """A summand of the score z.

    Parameters
    ----------
    name
        The feature by display name, or the bias as ``"Intercept"``.
    value
        x, as it came.
    scaled
        x̃, which the weight multiplies.
    weight
        w; 0 where the model does not know the feature.
    """

    name: str
    value: float
    scaled: float
    weight: float

    @property
    def amount(self) -> float:
        """The summand w x̃."""
        return self.weight * self.scaled


def contributions(model: Perceptron, features: Features) -> list[Contribution]:
    """Return the summands of a sample's score, the largest first; the model stays as it is.

    Raises
    ------
    SampleRejected
        The sample can't be used.

    Examples
    --------
    >>> from perceptron_core import Perceptron
    >>> model = Perceptron(learning_rate=0.5, scale=False)
    >>> model.learn_one({"age": 2, "country": "FR"}, 1)
    >>> [(summand.name, summand.amount) for summand in contributions(model, {"age": 3, "country": "DE"})]
    [('age', 1.5), ('Intercept', 0.25), ('country=DE', 0.0)]
    """
    weights = model.weights_by_identity()
    found = [Contribution("Intercept", 1.0, 1.0, model.bias)]
    for entry, value, scaled in model.inputs(features, as_predicted=True):
        found.append(Contribution(str(display(entry)), value, scaled, weights.get(entry, 0.0)))
    return sorted(found, key=lambda summand: -summand.amount)


def table(model: Perceptron, features: Features, decimals: int = 5) -> str:
    """Return the summands of a sample's score as a table, one line each, and the score below them.

    Where the score is no sum of them, as of ``"ladder"``, what they lack of it is a line of its own.
    """
    summands, score = contributions(model, features), model.score_one(features)
    rest = score - sum(summand.amount for summand in summands)
    header = ["Name", "Value", "Input", "Weight", "Contribution"]
    lines = [[s.name, *_texts([s.value, s.scaled, s.weight, s.amount], decimals)] for s in summands]
    if abs(rest) > 1e-9 * max(1.0, abs(score)):
        lines.append(["Not linear", "", "", "", *_texts([rest], decimals)])
    lines.append(["Score", "", "", "", *_texts([score], decimals)])
    widths = [max(map(len, column)) for column in zip(header, *lines, strict=True)]
    return "\n".join(
        "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        for line in [header, *lines]
    )


def _texts(numbers: list[float], decimals: int) -> list[str]:
    return [f"{number:,.{decimals}f}" for number in numbers]

"""What became of one sample, every intermediate value of the article under its name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from perceptron_core.explain_text import derivation

BIAS = "(bias)"


@dataclass(frozen=True)
class Term:
    """One weight on its way; the bias is the weight of a constant input 1.

    Parameters
    ----------
    feature
        The display name.
    x, x_scaled
        The input as it came, and x̃ as the neuron takes it; ∂z/∂w is x̃.
    w, wx
        The weight before, and its term w x̃ of the weighted sum.
    dL_dw
        ∂L/∂w = ∂L/∂z · x̃, times the sample weight; clipped where the model says so.
    l2_w
        The penalty's λ w.
    w_new
        The weight after the step.
    """

    feature: Any
    x: float
    x_scaled: float
    w: float
    wx: float
    dL_dw: float  # noqa: N815
    l2_w: float
    w_new: float


@dataclass(frozen=True)
class Explanation:
    """A sample's forward pass, chain rule and update.

    Parameters
    ----------
    loss, activation
        By name.
    y, sample_weight
        The target, and what its loss counts.
    z, y_hat, L
        Score b + w·x̃, prediction a(z), loss.
    dL_dy_hat, dy_hat_dz, dL_dz
        ∂L/∂ŷ, ∂ŷ/∂z and their product ∂L/∂z, in its stable closed form where there is one. A loss of
        the score has z in place of ŷ: ``dy_hat_dz`` is then 1.
    learning_rate, bias_learning_rate, l2
        α of the weights and of the bias, None where they have no single one; and λ.
    terms
        The bias, then the features of the sample in its order.
    is_plain
        Whether the update is the article's, w ← w − α (∂L/∂w + λ w). Otherwise the optimizer's own rule
        made the new weights, which are then those that the model really gets.
    optimizer
        By name.
    of_score
        Whether the loss judges z in place of ŷ.
    y_hat_before
        What ``predict_one`` says before: with the scaling statistics that have not seen the sample yet.
    """

    loss: str
    activation: str
    y: float
    sample_weight: float
    z: float
    y_hat: float
    L: float
    dL_dy_hat: float  # noqa: N815
    dy_hat_dz: float
    dL_dz: float  # noqa: N815
    learning_rate: float | None
    bias_learning_rate: float | None
    l2: float
    terms: tuple[Term, ...]
    is_plain: bool
    optimizer: str
    of_score: bool
    y_hat_before: float

    @property
    def is_clipped(self) -> bool:
        """Whether ∂L/∂z × sample weight was beyond the bound on gradients."""
        return self.terms[0].dL_dw != self.dL_dz * self.sample_weight

    @property
    def bias(self) -> float:
        """The new b."""
        return self.terms[0].w_new

    @property
    def weights(self) -> dict[Any, float]:
        """The new weights of the features of the sample, by display name."""
        return {term.feature: term.w_new for term in self.terms[1:]}

    def to_dict(self) -> dict[str, Any]:
        """Return all values as plain data."""
        return {**vars(self), "terms": [dict(vars(term)) for term in self.terms]}

    def table(self) -> list[dict[str, Any]]:
        """Return the terms as rows, under the article's names."""
        return [
            {
                "feature": term.feature,
                "x": term.x,
                "x̃": term.x_scaled,
                "w": term.w,
                "w·x̃": term.wx,
                "∂z/∂w": term.x_scaled,
                "∂L/∂w": term.dL_dw,
                "λw": term.l2_w,
                "new w": term.w_new,
            }
            for term in self.terms
        ]

    def text(self) -> str:
        """Return the derivation as one would write it by hand."""
        return derivation(self)

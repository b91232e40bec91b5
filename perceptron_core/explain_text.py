"""The derivation of one sample in the article's symbols."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from perceptron_core.explanation import Explanation, Term

SUMMANDS = 6
"""Terms of the weighted sum that are written out."""

ACTIVATIONS = {
    "identity": ("z", "1"),
    "step": ("1 where z > 0, else 0", "0"),
    "sigmoid": ("σ(z) = 1 / (1 + e⁻ᶻ)", "σ(z)(1 − σ(z))"),
    "tanh": ("tanh z", "1 − tanh² z"),
    "softplus": ("ln(1 + eᶻ)", "σ(z)"),
    "exp": ("eᶻ", "eᶻ"),
}
"""By name: ŷ and ∂ŷ/∂z."""

LOSSES = {
    "log": ("−y ln ŷ − (1 − y) ln(1 − ŷ)", "(ŷ − y) / (ŷ(1 − ŷ))"),
    "squared": ("(ŷ − y)²", "2(ŷ − y)"),
    "absolute": ("|ŷ − y|", "sign(ŷ − y)"),
    "huber": ("½(ŷ − y)², beyond δ linear", "ŷ − y, within ± δ"),
    "quantile": ("τ(y − ŷ) where y > ŷ, else (1 − τ)(ŷ − y)", "−τ where y > ŷ, else 1 − τ"),
    "epsilon_insensitive": ("max(0, |ŷ − y| − ε)", "sign(ŷ − y) beyond ε, else 0"),
    "poisson": ("ŷ − y ln ŷ", "1 − y / ŷ"),
    "hinge": ("max(0, 1 − sz), s = 2y − 1", "−s where sz ≤ 1, else 0"),
    "squared_hinge": ("max(0, 1 − sz)², s = 2y − 1", "−2s max(0, 1 − sz)"),
    "modified_huber": ("max(0, 1 − sz)² where sz ≥ −1, else −4sz, s = 2y − 1", "s φ′(sz)"),
    "perceptron": ("max(0, −sz), s = 2y − 1", "step(z) − y"),
}
"""By name: L and ∂L/∂ŷ; of a loss of the score, ∂L/∂z."""


def derivation(told: Explanation) -> str:
    """Return the three steps, one line for each value."""
    rate = "" if told.learning_rate is None else f", α = {_n(told.learning_rate)}"
    sections = {
        "forward pass": _forward(told),
        "chain rule": _chain(told),
        f"gradient descent{rate}": _descent(told),
    }
    return "\n".join("\n  ".join([title, *lines]) for title, lines in sections.items())


def _forward(told: Explanation) -> list[str]:
    lines = [
        f"x̃({term.feature}) = {_n(term.x_scaled)}, scaled from x = {_n(term.x)}"
        for term in told.terms
        if term.x_scaled != term.x
    ]
    bias, *others = told.terms
    sum_ = [_n(bias.w), *(f"{_p(term.w)} · {_p(term.x_scaled)}" for term in others[:SUMMANDS])]
    written_out = " + ".join(sum_) + (" + …" if len(others) > SUMMANDS else "")
    x = "x̃" if lines else "x"
    return [
        *lines,
        f"z = b + w·{x} = {written_out} = {_n(told.z)}",
        f"ŷ = {_formula(ACTIVATIONS, told.activation, 0)} = {_n(told.y_hat)}",
        f"L = {_formula(LOSSES, told.loss, 0)} = {_n(told.L)} for y = {_n(told.y)}",
    ]


def _chain(told: Explanation) -> list[str]:
    of_loss = _formula(LOSSES, told.loss, 1)
    factors = [
        f"∂L/∂ŷ = {of_loss} = {_n(told.dL_dy_hat)}",
        f"∂ŷ/∂z = {_formula(ACTIVATIONS, told.activation, 1)} = {_n(told.dy_hat_dz)}",
        f"∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z = {_p(told.dL_dy_hat)} · {_p(told.dy_hat_dz)} = {_n(told.dL_dz)}",
    ]
    if told.of_score:
        factors = [f"∂L/∂z = {of_loss} = {_n(told.dL_dz)}, as L is of z itself"]
    if told.is_clipped:
        g = told.terms[0].dL_dw
        factors.append(f"g = v · ∂L/∂z, clipped to ± {_n(abs(g))} = {_n(g)}")
    return [*factors, *(_gradient(told, term) for term in told.terms)]


def _gradient(told: Explanation, term: Term) -> str:
    """Return ∂L/∂w = ∂L/∂z · ∂z/∂w of one weight; ∂z/∂w is its input."""
    is_bias = term is told.terms[0]
    x = "1" if is_bias else "x" if term.x_scaled == term.x else "x̃"
    symbols, numbers = f"∂L/∂z · {x}", f"{_p(told.dL_dz)} · {_p(term.x_scaled)}"
    if told.is_clipped:
        symbols, numbers = f"g · {x}", f"{_p(told.terms[0].dL_dw)} · {_p(term.x_scaled)}"
    elif told.sample_weight != 1.0:
        symbols, numbers = f"v · {symbols}", f"{_n(told.sample_weight)} · {numbers}"
    derived = (
        symbols if is_bias and (told.is_clipped or told.sample_weight == 1.0) else f"{symbols} = {numbers}"
    )
    return f"∂L/∂{_name(told, term)} = {derived} = {_n(term.dL_dw)}"


def _descent(told: Explanation) -> list[str]:
    if told.is_plain:
        return [_step(told, term) for term in told.terms]
    rule = "auto" if told.learning_rate is None else told.optimizer
    return [
        f"the step is that of {rule!r}, not the article's w ← w − α ∂L/∂w; on a copy it gave",
        *(f"{_name(told, term)}: {_n(term.w)} → {_n(term.w_new)}" for term in told.terms),
    ]


def _step(told: Explanation, term: Term) -> str:
    """Return w ← w − α ∂L/∂w of one weight."""
    is_bias = term is told.terms[0]
    rate = _n((told.bias_learning_rate if is_bias else told.learning_rate) or 0.0)
    w, gradient, penalty = _n(term.w), _p(term.dL_dw), _p(term.l2_w)
    if is_bias:
        symbols, numbers = "b − α ∂L/∂b", f"{w} − {rate} · {gradient}"
    elif told.l2:
        symbols, numbers = "w − α (∂L/∂w + λw)", f"{w} − {rate} · ({gradient} + {penalty})"
    else:
        symbols, numbers = "w − α ∂L/∂w", f"{w} − {rate} · {gradient}"
    return f"{_name(told, term)} ← {symbols} = {numbers} = {_n(term.w_new)}"


def _name(told: Explanation, term: Term) -> str:
    return "b" if term is told.terms[0] else f"w({term.feature})"


def _formula(of: dict[str, tuple[str, str]], name: str, which: int) -> str:
    return of.get(name, (f"{name}",) * 2)[which]


def _n(number: float) -> str:
    return f"{number + 0.0:.6g}"  # + 0.0: no minus before a 0


def _p(number: float) -> str:
    """Return a number for the inside of a product."""
    return f"({_n(number)})" if number < 0 else _n(number)

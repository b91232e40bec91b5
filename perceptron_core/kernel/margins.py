"""Margin losses: they judge the score z against s = 2y − 1, by the margin m = s z.

Targets are 0 and 1; a target between them is a class in between, s = 2y − 1. The prediction is a(z)
nonetheless: a probability (uncalibrated) behind the sigmoid, the class behind the binary step.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from perceptron_core.kernel.losses import Loss


@cython.cclass
class MarginLoss(Loss):
    """L(y, z) = φ(s z)."""

    def __init__(self) -> None:
        super().__init__()
        self.of_score = True

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return φ(s z)."""
        return self.of_margin((2.0 * y - 1.0) * prediction)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return ∂L/∂z = s φ′(s z)."""
        s: cython.double = 2.0 * y - 1.0
        return s * self.slope_of_margin(s * prediction)

    @cython.cfunc
    @cython.exceptval(check=False)
    def of_margin(self, m: cython.double) -> cython.double:
        """Return φ(m)."""
        return 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def slope_of_margin(self, m: cython.double) -> cython.double:
        """Return φ′(m)."""
        return 0.0


@cython.cclass
class HingeLoss(MarginLoss):
    """φ(m) = max(0, 1 − m): the support vector machine's."""

    @cython.cfunc
    @cython.exceptval(check=False)
    def of_margin(self, m: cython.double) -> cython.double:
        """Return max(0, 1 − m)."""
        return 1.0 - m if m < 1.0 else 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def slope_of_margin(self, m: cython.double) -> cython.double:
        """Return −1 up to and on the margin, else 0."""
        return -1.0 if m <= 1.0 else 0.0


@cython.cclass
class SquaredHingeLoss(MarginLoss):
    """φ(m) = max(0, 1 − m)²."""

    @cython.cfunc
    @cython.exceptval(check=False)
    def of_margin(self, m: cython.double) -> cython.double:
        """Return max(0, 1 − m)²."""
        return (1.0 - m) * (1.0 - m) if m < 1.0 else 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def slope_of_margin(self, m: cython.double) -> cython.double:
        """Return −2 max(0, 1 − m)."""
        return -2.0 * (1.0 - m) if m < 1.0 else 0.0


@cython.cclass
class ModifiedHuberLoss(MarginLoss):
    """φ(m) = max(0, 1 − m)² where m ≥ −1, else −4m; Zhang (2004)."""

    @cython.cfunc
    @cython.exceptval(check=False)
    def of_margin(self, m: cython.double) -> cython.double:
        """Return φ(m)."""
        if m < -1.0:
            return -4.0 * m
        return (1.0 - m) * (1.0 - m) if m < 1.0 else 0.0

    @cython.cfunc
    @cython.exceptval(check=False)
    def slope_of_margin(self, m: cython.double) -> cython.double:
        """Return φ′(m)."""
        if m < -1.0:
            return -4.0
        return -2.0 * (1.0 - m) if m < 1.0 else 0.0


@cython.cclass
class PerceptronLoss(MarginLoss):
    """L = max(0, −s z): what Rosenblatt's rule descends.

    Notes
    -----
    On the kink z = 0, where his neuron says 0, only a sample of class 1 counts as a mistake. So
    ∂L/∂z = step(z) − y, and a step of gradient descent is his rule w ← w + α(y − ŷ)x; Rosenblatt
    (1958), *The perceptron*.
    """

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return (step(z) − y) z; for y = 0 and 1 that is max(0, −s z)."""
        return self.slope(y, prediction) * prediction

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return step(z) − y."""
        return (1.0 if prediction > 0.0 else 0.0) - y

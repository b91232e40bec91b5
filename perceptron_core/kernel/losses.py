"""Losses L(y, ŷ), their slopes ∂L/∂ŷ, and the chain rule ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z.

Conventions. A gradient points uphill; steps subtract it. Binary targets are 0 and 1 (anything between
is accepted), never −1. Squared loss is (ŷ − y)², so its derivative carries the factor 2, as in the
article and in river; scikit-learn and Vowpal Wabbit halve it. On a kink the slope is river's: the
absolute loss takes −1 at ŷ = y, the quantile loss −τ, the hinge its steep side. Margin losses judge the
score z, not ŷ = a(z): ``of_score`` says so, and ∂ŷ/∂z is then left out of the chain; in them s = 2y − 1.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from typing import Any

import numpy as np

from perceptron_core.kernel.activations import Activation, Identity
from perceptron_core.kernel.limits import PROBABILITY_FLOOR

if cython.compiled:
    from cython.cimports.libc.math import fabs, log
else:
    from math import fabs, log

FLOOR = cython.declare(cython.double, PROBABILITY_FLOOR)


@cython.cfunc
@cython.exceptval(check=False)
def clamp(value: cython.double, low: cython.double, high: cython.double) -> cython.double:
    """Return ``value`` within [low, high]; NaN stays NaN."""
    return low if value < low else high if value > high else value


@cython.cclass
class Loss:
    """L(y, ŷ), its slope, and the chain rule."""

    of_score: cython.bint  # whether it judges z in place of ŷ

    def __init__(self) -> None:
        self.of_score = False

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return L(y, ŷ)."""
        return 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return ∂L/∂ŷ."""
        return 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def cost(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return the loss at the score z."""
        return self.value(y, z if self.of_score else activation.value(z))

    @cython.ccall
    @cython.exceptval(check=False)
    def gradient(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return ∂L/∂z = ∂L/∂ŷ · ∂ŷ/∂z."""
        if self.of_score:
            return self.slope(y, z)
        slope: cython.double = activation.slope(z)
        return 0.0 if slope == 0.0 else self.slope(y, activation.value(z)) * slope

    @cython.ccall
    @cython.exceptval(check=False)
    def implicit(
        self, activation: Activation, y: cython.double, z: cython.double, h: cython.double
    ) -> cython.double:
        """Return the g that solves g = ∂L/∂z at z − h g: the gradient at the end of the step.

        Notes
        -----
        For a convex loss g lies between 0 and the gradient at z. Regula falsi and bisection in turns, to
        1e-10 of that gradient; Kulis and Bartlett (2010), *Implicit online learning*. On a kink, where no g
        solves it, g is that of the step which ends on the kink: the proximal step.
        """
        high: cython.double = self.gradient(activation, y, z)
        low: cython.double = 0.0
        tolerance: cython.double = 1e-10 * fabs(high)
        at_high: cython.double = high - self.gradient(activation, y, z - h * high)
        at_low: cython.double = -high
        g: cython.double = high
        at: cython.double
        turn: cython.int
        if not at_low * at_high < 0.0:
            return high
        for turn in range(70):
            g = 0.5 * (low + high) if turn % 2 else high - at_high * (high - low) / (at_high - at_low)
            at = g - self.gradient(activation, y, z - h * g)
            if at * at_high < 0.0:
                low = g
                at_low = at
            else:
                high = g
                at_high = at
            if fabs(high - low) <= tolerance or at == 0.0:
                break
        return g

    @cython.cfunc
    @cython.exceptval(check=False)
    def unit(self, spread: cython.double) -> cython.double:
        """Return the size of a gradient where labels have this standard deviation."""
        return 1.0

    def costs(self, activation: Activation, y: cython.double[::1], z: cython.double[::1]) -> Any:
        """Return the loss of each sample.

        Parameters
        ----------
        activation
            a.
        y, z
            (n,) targets and scores.

        Returns
        -------
        ndarray
            (n,).
        """
        losses = np.empty(y.shape[0])
        out: cython.double[::1] = losses
        i: cython.Py_ssize_t
        for i in range(y.shape[0]):
            out[i] = self.cost(activation, float(y[i]), float(z[i]))
        return losses

    def gradients(self, activation: Activation, y: cython.double[::1], z: cython.double[::1]) -> Any:
        """Return ∂L/∂z of each sample.

        Parameters
        ----------
        activation
            a.
        y, z
            (n,) targets and scores.

        Returns
        -------
        ndarray
            (n,).
        """
        gradients = np.empty(y.shape[0])
        out: cython.double[::1] = gradients
        i: cython.Py_ssize_t
        for i in range(y.shape[0]):
            out[i] = self.gradient(activation, float(y[i]), float(z[i]))
        return gradients


@cython.cclass
class SquaredLoss(Loss):
    """L = (ŷ − y)²."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return (ŷ − y)²."""
        return (prediction - y) * (prediction - y)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return 2(ŷ − y)."""
        return 2.0 * (prediction - y)

    @cython.ccall
    @cython.exceptval(check=False)
    def implicit(
        self, activation: Activation, y: cython.double, z: cython.double, h: cython.double
    ) -> cython.double:
        """Return the g that solves g = ∂L/∂z at z − h g: behind the identity, 2(z − y) / (1 + 2h)."""
        if isinstance(activation, Identity):
            return 2.0 * (z - y) / (1.0 + 2.0 * h)
        return Loss.implicit(self, activation, y, z, h)

    @cython.cfunc
    @cython.exceptval(check=False)
    def unit(self, spread: cython.double) -> cython.double:
        """Return the spread: this loss alone has gradients that grow with the labels."""
        return spread


@cython.cclass
class LogLoss(Loss):
    """L = −y ln ŷ − (1 − y) ln(1 − ŷ): cross-entropy; ŷ is kept within [1e−15, 1 − 1e−15]."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return the cross-entropy, in nats."""
        p: cython.double = clamp(prediction, FLOOR, 1.0 - FLOOR)
        return -y * log(p) - (1.0 - y) * log(1.0 - p)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, y: cython.double, prediction: cython.double) -> cython.double:
        """Return (ŷ − y) / (ŷ(1 − ŷ))."""
        p: cython.double = clamp(prediction, FLOOR, 1.0 - FLOOR)
        return (p - y) / (p * (1.0 - p))

    @cython.ccall
    @cython.exceptval(check=False)
    def gradient(self, activation: Activation, y: cython.double, z: cython.double) -> cython.double:
        """Return ŷ − y: behind a sigmoid the two factors of the chain rule cancel to this."""
        if y == 1.0:  # σ(z) − 1 would lose its digits for a large z
            return -activation.value(-z)
        return activation.value(z) - y

    @cython.ccall
    @cython.exceptval(check=False)
    def implicit(
        self, activation: Activation, y: cython.double, z: cython.double, h: cython.double
    ) -> cython.double:
        """Return the g that solves g = σ(z − h g) − y, to 1e-9 of it.

        Notes
        -----
        By Halley's method (1694), bracketed. It begins where Newton's leads from 0, or where the score
        becomes 0 if that is nearer, and mostly ends after one or two steps: the third power of what is
        left before the last one is nothing.
        """
        g: cython.double = self.gradient(activation, y, z)
        low: cython.double = g if g < 0.0 else 0.0
        high: cython.double = g if g > 0.0 else 0.0
        p: cython.double = g + y
        g /= 1.0 + h * p * (1.0 - p)
        if (z - h * g) * z < 0.0:
            g = z / h
        _: cython.int
        for _ in range(60):
            p = self.gradient(activation, y, z - h * g)
            error: cython.double = g - p
            near: cython.bint = fabs(error) <= 5e-4 * fabs(g)
            if error > 0.0:
                high = g
            else:
                low = g
            p += y
            steep: cython.double = 1.0 + h * p * (1.0 - p)
            bend: cython.double = 0.5 * error * h * (steep - 1.0) * (1.0 - 2.0 * p) / steep
            g -= error / (steep + bend if bend > -0.5 * steep else steep)
            if near:
                return clamp(g, low, high)
            if not low < g < high:
                g = 0.5 * (low + high)
        return g

"""Activations: ŷ = a(z), and their slopes ∂ŷ/∂z.

Each is stable for every finite z: no exponential overflows, and no slope loses its digits where the
activation saturates.
"""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

if cython.compiled:
    from cython.cimports.libc.math import exp, log1p, tanh
else:
    from math import exp, log1p, tanh


@cython.cfunc
@cython.exceptval(check=False)
def sigmoid(z: cython.double) -> cython.double:
    """Return σ(z); branched on the sign, so that the exponential never overflows."""
    if z >= 0.0:
        return 1.0 / (1.0 + exp(-z))
    odds: cython.double = exp(z)
    return odds / (1.0 + odds)


@cython.cclass
class Activation:
    """ŷ = a(z), and its slope."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return the prediction ŷ for the score z."""
        return z

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return ∂ŷ/∂z."""
        return 1.0


@cython.cclass
class Identity(Activation):
    """ŷ = z: linear regression."""


@cython.cclass
class Step(Activation):
    """ŷ = 1 where z > 0, else 0: the binary step; step(0) = 0."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return 1.0 or 0.0."""
        return 1.0 if z > 0.0 else 0.0

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return 0: flat everywhere but at 0, where it has no derivative. Nothing can be learned by it."""
        return 0.0


@cython.cclass
class Sigmoid(Activation):
    """ŷ = σ(z) = 1 / (1 + e⁻ᶻ): a probability."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return σ(z)."""
        return sigmoid(z)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return σ(z)(1 − σ(z)), as σ(z)σ(−z): no digits are lost near 1."""
        return self.value(z) * self.value(-z)


@cython.cclass
class Tanh(Activation):
    """ŷ = tanh z, within (−1, 1)."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return tanh z."""
        return tanh(z)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return 1 − tanh² z, as 4u/(1 + u)² with u = e^(−2|z|): no digits are lost near ±1."""
        u: cython.double = exp(-2.0 * (z if z >= 0.0 else -z))
        return 4.0 * u / ((1.0 + u) * (1.0 + u))


@cython.cclass
class Softplus(Activation):
    """ŷ = ln(1 + eᶻ): positive, and nearly z where z is large."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return ln(1 + eᶻ), branched on the sign."""
        if z >= 0.0:
            return z + log1p(exp(-z))
        return log1p(exp(z))

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return σ(z)."""
        return sigmoid(z)


@cython.cclass
class Exp(Activation):
    """ŷ = eᶻ: a positive mean, such as a count's; z is taken as at most 345, so ŷ stays below 10¹⁵⁰."""

    @cython.ccall
    @cython.exceptval(check=False)
    def value(self, z: cython.double) -> cython.double:
        """Return eᶻ."""
        return exp(z if z < 345.0 else 345.0)

    @cython.ccall
    @cython.exceptval(check=False)
    def slope(self, z: cython.double) -> cython.double:
        """Return eᶻ, 0 beyond the bound on z."""
        return exp(z) if z < 345.0 else 0.0

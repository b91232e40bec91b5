"""Learning-rate schedules: α as a function of t, the number of samples learned so far."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

if cython.compiled:
    from cython.cimports.libc.math import pow
else:
    from math import pow


@cython.cclass
class Schedule:
    """α, constant.

    Parameters
    ----------
    rate
        α > 0.
    """

    rate: cython.double

    def __init__(self, rate: float) -> None:
        self.rate = rate

    @cython.cfunc
    @cython.exceptval(check=False)
    def at(self, t: cython.longlong) -> cython.double:
        """Return the rate of the sample after t others."""
        return self.rate

    def rate_at(self, t: int) -> float:
        """Return the rate of the sample after t others."""
        return float(self.at(t))


@cython.cclass
class InverseScaling(Schedule):
    """α / (t + 1)^p.

    Parameters
    ----------
    rate
        α > 0.
    power
        p ≥ 0; ½ as in the analysis of online convex optimisation by Zinkevich (2003).
    """

    power: cython.double

    def __init__(self, rate: float, power: float = 0.5) -> None:
        super().__init__(rate)
        self.power = power

    @cython.cfunc
    @cython.exceptval(check=False)
    def at(self, t: cython.longlong) -> cython.double:
        """Return the rate of the sample after t others."""
        return self.rate / pow(t + 1.0, self.power)


@cython.cclass
class ExponentialDecay(Schedule):
    """max(α · 2^(−t / half_life), floor · α).

    Parameters
    ----------
    rate
        α > 0.
    half_life
        Samples in which the rate halves.
    floor
        The smallest share of α, so that learning never dies out.
    """

    half_life: cython.double
    floor: cython.double

    def __init__(self, rate: float, half_life: float = 10_000.0, floor: float = 0.01) -> None:
        super().__init__(rate)
        self.half_life = half_life
        self.floor = floor

    @cython.cfunc
    @cython.exceptval(check=False)
    def at(self, t: cython.longlong) -> cython.double:
        """Return the rate of the sample after t others."""
        share: cython.double = pow(2.0, -t / self.half_life)
        return self.rate * (share if share > self.floor else self.floor)


@cython.cclass
class Bottou(Schedule):
    """α / (1 + α λ t).

    Parameters
    ----------
    rate
        α > 0, at the start.
    decay
        λ > 0, in place of the strength of the regulariser.

    References
    ----------
    Bottou (2012), *Stochastic gradient descent tricks*, section 5.2.
    """

    decay: cython.double

    def __init__(self, rate: float, decay: float = 1e-4) -> None:
        super().__init__(rate)
        self.decay = decay

    @cython.cfunc
    @cython.exceptval(check=False)
    def at(self, t: cython.longlong) -> cython.double:
        """Return the rate of the sample after t others."""
        return self.rate / (1.0 + self.rate * self.decay * t)

"""The mixture of neurons that needs no learning rate: four rates, whose probabilities are averaged."""

# mypy: allow-untyped-decorators
from __future__ import annotations

try:
    import cython
except ImportError:
    import perceptron_core._interpreted as cython

from perceptron_core.kernel.auto import Auto
from perceptron_core.kernel.sample import Sample

if cython.compiled:
    from cython.cimports.libc.math import log
    from cython.cimports.perceptron_core.kernel.activations import sigmoid
else:
    from math import log

    from perceptron_core.kernel.activations import sigmoid


@cython.cclass
class Ladder(Auto):
    """Auto with rates ½, 2, 8 and 32; where z is a logit, that of the mean probability p = Σ πₖ σ(zₖ).

    The probability is no longer that of one linear neuron: :meth:`weights`, the mean weights, only show
    which way a feature pulls; :meth:`weights_by_rate` are what it is made of.
    """

    def __init__(self, standardise: bool = False, probability: bool = False) -> None:
        super().__init__(standardise, probability, (0.5, 2.0, 8.0, 32.0))

    @cython.cfunc
    @cython.exceptval(check=False)
    def mix(self, sample: Sample) -> cython.double:
        """Return the logit of the mean probability, or the mean value."""
        i: cython.Py_ssize_t
        p: cython.double = 0.0
        q: cython.double = 0.0
        if not self.probability:
            return Auto.mix(self, sample)
        for i in range(self.experts):
            p += sample.scalars[1 + i] * sigmoid(self.z[i])
            q += sample.scalars[1 + i] * sigmoid(-self.z[i])  # 1 − p would lose its digits near 1
        return log(p / q)

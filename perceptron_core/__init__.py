"""The mathematics of a single neuron that learns online; it knows nothing of streams."""

from perceptron_core.perceptron import Perceptron
from perceptron_core.rejection import Rejection, SampleRejected

__all__ = ["Perceptron", "Rejection", "SampleRejected"]

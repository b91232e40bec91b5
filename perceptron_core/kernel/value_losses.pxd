from perceptron_core.kernel.activations cimport Activation
from perceptron_core.kernel.losses cimport Loss

from perceptron_core.kernel.losses cimport Loss

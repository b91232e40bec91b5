from perceptron_core.kernel.optimizers cimport Optimizer
from perceptron_core.kernel.sample cimport Sample

from perceptron_core.kernel.auto cimport Auto
from perceptron_core.kernel.sample cimport Sample

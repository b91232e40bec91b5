from perceptron_core.kernel.sample cimport Sample
from perceptron_core.kernel.scalers cimport Scaler

from perceptron_core.kernel.activations cimport Activation
from perceptron_core.kernel.intake cimport Intake
from perceptron_core.kernel.losses cimport Loss
from perceptron_core.kernel.optimizers cimport Optimizer
from perceptron_core.kernel.reading cimport real
from perceptron_core.kernel.sample cimport Sample
from perceptron_core.kernel.scalers cimport Scaler

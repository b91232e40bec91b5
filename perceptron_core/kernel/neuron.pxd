from perceptron_core.kernel.activations cimport Activation
from perceptron_core.kernel.losses cimport Loss
from perceptron_core.kernel.optimizers cimport Optimizer
from perceptron_core.kernel.names cimport end_of, keyed_hash, spell
from perceptron_core.kernel.reading cimport number, real
from perceptron_core.kernel.row cimport Row
from perceptron_core.kernel.sample cimport Sample
from perceptron_core.kernel.scalers cimport Scaler
from perceptron_core.kernel.table cimport Table

"""Any river pipeline in the place of the neuron: as exact, rolled back and kept the same way."""

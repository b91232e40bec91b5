from perceptron_core.kernel.activations cimport Activation
from perceptron_core.kernel.labels cimport LabelScale
from perceptron_core.kernel.losses cimport Loss
from perceptron_core.kernel.optimizers cimport Optimizer
from perceptron_core.kernel.sample cimport Sample

cdef class Auto(Optimizer):
    cdef readonly bint standardise
    cdef readonly bint probability
    cdef Py_ssize_t rates
    cdef Py_ssize_t experts
    cdef LabelScale labels
    cdef double[::1] eta
    cdef double[::1] z
    cdef double[::1] likelihood
    cdef double mixed
    cdef double square
    cdef void look(self, Sample sample) noexcept
    cdef double mix(self, Sample sample) noexcept
    cdef void judge_probabilities(self, Sample sample, double y) noexcept
    cdef void judge_losses(self, Sample sample, Loss loss, Activation activation, double y) noexcept
    cdef double usual(self, Sample sample, double c) noexcept
    cdef void reweight(self, Sample sample, double weight) noexcept
    cdef void step(self, Sample sample, Loss loss, Activation activation, double y, double weight) noexcept
    cdef double stretch(self, Sample sample, double g, double weight) noexcept

from perceptron_core.kernel.activations cimport Activation
from perceptron_core.kernel.losses cimport Loss
from perceptron_core.kernel.sample cimport Sample
from perceptron_core.kernel.schedules cimport Schedule

cdef class Optimizer:
    cdef readonly Py_ssize_t columns
    cdef readonly Py_ssize_t scalars
    cdef Schedule schedule
    cdef double rate
    cdef double intercept_rate
    cdef double l1
    cdef double l2
    cdef double clip
    cdef double score(self, Sample sample) noexcept
    cdef double look_ahead(self, Sample sample) noexcept
    cdef void learn(self, Sample sample, Loss loss, Activation activation, double y, double weight) noexcept
    cdef void begin(self, Sample sample) noexcept
    cdef void move(self, Sample sample, Py_ssize_t k, double g) noexcept
    cdef void shrink(self, Sample sample) noexcept

from perceptron_core.kernel.sample cimport Sample

cdef class Scaler:
    cdef readonly Py_ssize_t column
    cdef readonly Py_ssize_t columns
    cdef readonly bint leads
    cdef void transform(self, Sample sample) noexcept
    cdef void learn(self, Sample sample) noexcept

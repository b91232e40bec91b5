from perceptron_core.kernel.names cimport Names, spell
from perceptron_core.kernel.sample cimport Sample

cdef class Table:
    cdef long long learned
    cdef Py_ssize_t columns
    cdef Names names
    cdef object table
    cdef double[:, ::1] state
    cdef object bias_table
    cdef double[::1] bias
    cdef unsigned char[::1] dirty_flags
    cdef readonly dict before
    cdef Py_ssize_t clean
    cdef void copy(self, Sample sample, Py_ssize_t k, Py_ssize_t j) noexcept
    cdef keep(self, Sample sample)
    cdef _mark_dirty(self, Py_ssize_t block)
    cdef Py_ssize_t add(self, object identity) except? -1
    cdef _use(self, object table)

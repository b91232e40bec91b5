from perceptron_core.kernel.names cimport end_of, spell
from perceptron_core.kernel.reading cimport number
from perceptron_core.kernel.row cimport Row
from perceptron_core.kernel.sample cimport Sample
from perceptron_core.kernel.table cimport Table

cdef class Intake(Table):
    cdef Sample sample
    cdef Py_ssize_t max_features
    cdef object gather(self, object features)
    cdef object _take_row(self, Row row)
    cdef object _take_dict(self, dict features)
    cdef void _found(self, Py_ssize_t k, Py_ssize_t j) noexcept
    cdef _begin(self, Py_ssize_t count)
    cdef object _fetch(self, object trouble)
    cdef object _admit(self, Py_ssize_t k)
    cdef tuple entry(self, Py_ssize_t k)

cdef class Row:
    cdef readonly tuple names
    cdef readonly tuple texts
    cdef double[::1] numbers
    cdef Py_ssize_t first

cdef class Row:
    cdef readonly bytes identities
    cdef Py_ssize_t count
    cdef double[::1] numbers
    cdef Py_ssize_t first

cdef class Sample:
    cdef readonly Py_ssize_t count
    cdef readonly Py_ssize_t unseen
    cdef readonly Py_ssize_t width
    cdef readonly long long learned
    cdef list keys
    cdef list identities
    cdef bytes layout
    cdef unsigned char[::1] is_text
    cdef Py_ssize_t[::1] index
    cdef unsigned long long[::1] hashes
    cdef Py_ssize_t[::1] ends
    cdef double[::1] raw
    cdef double[::1] x
    cdef double[:, ::1] rows
    cdef double[::1] scalars
    cdef reserve(self, Py_ssize_t count)
    cdef double weighted_sum(self) noexcept
    cdef bint is_sound(self) noexcept

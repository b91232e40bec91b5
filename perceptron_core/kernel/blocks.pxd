cdef bint is_due(double seen) noexcept
cdef double take(double[:, ::1] rows, Py_ssize_t k, Py_ssize_t c, double seen, double x) noexcept
cdef double mean(double[:, ::1] rows, Py_ssize_t k, Py_ssize_t c, double share) noexcept
cdef double variance(double[:, ::1] rows, Py_ssize_t k, Py_ssize_t c, double share) noexcept

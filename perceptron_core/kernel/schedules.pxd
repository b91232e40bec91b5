cdef class Schedule:
    cdef readonly double rate
    cdef double at(self, long long t) noexcept

cdef double sigmoid(double z) noexcept

cdef class Activation:
    cpdef double value(self, double z) noexcept
    cpdef double slope(self, double z) noexcept

cdef class Identity(Activation):
    pass

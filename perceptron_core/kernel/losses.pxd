from perceptron_core.kernel.activations cimport Activation, Identity

cdef double clamp(double value, double low, double high) noexcept

cdef class Loss:
    cdef readonly bint of_score
    cpdef double value(self, double y, double prediction) noexcept
    cpdef double slope(self, double y, double prediction) noexcept
    cpdef double cost(self, Activation activation, double y, double z) noexcept
    cpdef double gradient(self, Activation activation, double y, double z) noexcept
    cpdef double implicit(self, Activation activation, double y, double z, double h) noexcept
    cdef double unit(self, double spread) noexcept

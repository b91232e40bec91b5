from perceptron_core.kernel.sample cimport Sample

cdef class LabelScale:
    cdef readonly Py_ssize_t first
    cdef double[:, ::1] row
    cdef double take(self, Sample sample, double y) noexcept
    cdef void describe(self, Sample sample, double y) noexcept
    cdef double centre(self, Sample sample) noexcept
    cdef double spread(self, Sample sample) noexcept
    cdef double within_range(self, Sample sample, double z) noexcept

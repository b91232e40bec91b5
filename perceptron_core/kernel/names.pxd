cdef class Names:
    cdef readonly Py_ssize_t count
    cdef unsigned char[::1] spelled
    cdef long long[::1] starts
    cdef unsigned long long[::1] slots
    cdef dict aside
    cdef dict by_row
    cdef Py_ssize_t find(self, object identity, unsigned long long hashed) except? -1
    cdef Py_ssize_t find_hashed(
        self, unsigned long long hashed, const unsigned char *text, Py_ssize_t start, Py_ssize_t end
    ) noexcept
    cdef unsigned long long expect(self, const unsigned char *text, Py_ssize_t start, Py_ssize_t end) noexcept
    cdef bint _is_aside(self, Py_ssize_t row) noexcept
    cdef bint _is(self, Py_ssize_t row, const unsigned char *text, Py_ssize_t start, Py_ssize_t end) noexcept
    cdef Py_ssize_t add(self, object identity) except? -1
    cdef _spread(self)
    cdef _enter(self, Py_ssize_t row)
    cdef unsigned long long _hash_of(self, Py_ssize_t row) noexcept
    cdef truncate(self, Py_ssize_t count)

cpdef object spell(object name, object text)
cpdef Py_ssize_t end_of(const unsigned char *text, Py_ssize_t at) noexcept
cpdef unsigned long long keyed_hash(
    const unsigned char *text, Py_ssize_t start, Py_ssize_t end, unsigned long long key_0, unsigned long long key_1
) noexcept

cpdef double real(object what, object value) except? -1.0
cpdef double number(object value) except? -1.0

"""Predictions as lines of JSON, byte for byte as msgspec would write them, without an object for each.

What is rare - a text that needs escapes, a number with an exponent - msgspec writes itself. That both are the same
is a law, and tested as one: a replay by an installation without this module has to write the same bytes.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.long cimport PyLong_AsLongLongAndOverflow
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.math cimport fabs
from libcpp.string cimport string

import msgspec

cdef extern from *:
    """
    #include <charconv>
    #include <string_view>
    // The shortest digits that are read back as the same number.
    static inline void append_double(std::string &line, double value) {
        char text[64];
        char *end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed).ptr;
        line.append(text, end);
        if (std::string_view(text, end - text).find('.') == std::string_view::npos) line.append(".0");
    }
    static inline void append_integer(std::string &line, long long value) {
        char text[24];
        line.append(text, std::to_chars(text, text + sizeof text, value).ptr);
    }
    """
    void append_double(string &line, double value)
    void append_integer(string &line, long long value)

cdef double LEAST = 1e-5  # from here to MOST, numbers are written without an exponent
cdef double MOST = 1e15

_encode = msgspec.json.encode


cdef class Printer:
    """Prints the predictions of one model.

    Parameters
    ----------
    model
        Its name.
    classes
        The names of the negative and the positive class; None where a value is predicted.
    """

    cdef bytes model
    cdef bytes negative, positive
    cdef bint is_binary

    def __init__(self, model, classes):
        self.model = b',"model":' + _encode(model) + b',"version":'
        self.is_binary = classes is not None
        self.negative, self.positive = (_encode(name) for name in classes or (0, 1))

    def lines(
        self,
        topic,
        partition,
        list offsets,
        list ids,
        const double[::1] predicted,
        const double[::1] labels,
        long long version,
    ):
        """Return a line for each prediction; each names the version that made it.

        Parameters
        ----------
        topic, partition, offsets
            Where the samples are.
        ids
            Theirs; None: they go by where they are.
        predicted
            (n,) probabilities or values.
        labels
            (n,) targets; NaN: not labelled, so nothing is learned and the version stays.
        version
            The one that made the first prediction.
        """
        cdef string start = b'{"id":', line
        cdef string at = b',"topic":' + _encode(topic) + b',"partition":' + _encode(partition) + b',"offset":'
        cdef string place = _encode(f"{topic}-{partition}-").removesuffix(b'"')
        cdef string model = self.model, negative = self.negative, positive = self.positive
        cdef Py_ssize_t i, count = len(ids)
        cdef long long offset
        cdef list found = [None] * count
        if not count == len(offsets) == predicted.shape[0] == labels.shape[0]:
            raise ValueError("columns of different lengths")
        for i in range(count):
            offset = offsets[i]
            line.assign(start)
            if ids[i] is None:
                line.append(place)
                append_integer(line, offset)
                line.append(b'"', 1)
            else:
                _append_id(line, ids[i])
            line.append(b',"prediction":', 14)
            if self.is_binary:
                line.append(positive if predicted[i] > 0.5 else negative)
                line.append(b',"probability":', 15)
            _append_number(line, predicted[i])
            line.append(b',"label":', 9)
            if labels[i] != labels[i]:
                line.append(b"null", 4)
            elif self.is_binary:
                line.append(positive if labels[i] > 0.5 else negative)
            else:
                _append_number(line, labels[i])
            line.append(model)
            append_integer(line, version)
            line.append(at)
            append_integer(line, offset)
            line.append(b"}", 1)
            found[i] = PyBytes_FromStringAndSize(line.data(), <Py_ssize_t>line.size())
            version += labels[i] == labels[i]
        return found


cdef int _append_number(string &line, double value) except -1:
    if LEAST <= fabs(value) < MOST or value == 0.0:
        append_double(line, value)
    else:
        line.append(<string>_encode(value))
    return 0


cdef int _append_id(string &line, object id) except -1:
    cdef const char *text
    cdef Py_ssize_t size, k
    cdef long long value
    cdef int is_beyond = 0
    if type(id) is str:
        text = PyUnicode_AsUTF8AndSize(id, &size)
        for k in range(size):
            if <unsigned char>text[k] < 32 or text[k] == b'"' or text[k] == b"\\":
                break
        else:
            line.append(b'"', 1)
            line.append(text, size)
            line.append(b'"', 1)
            return 0
    else:
        value = PyLong_AsLongLongAndOverflow(id, &is_beyond)
        if not is_beyond:
            append_integer(line, value)
            return 0
    line.append(<string>_encode(id))
    return 0

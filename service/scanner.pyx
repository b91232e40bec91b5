"""The shortest way: the bytes of well-formed records straight into rows of numbers.

One pass over a record, without an object for each number. What is before a feature's value - comma, name, colon,
spaces - is compared with what stood there in the record before, and read by the grammar only where it differs.
Whatever is not plain is left to ``records.py``: other nesting, integers beyond 18 digits, a field twice. Where this
way accepts, the others agree: a law, and tested as one.

What reads returns the position behind it, or REFUSED; what was read is left in attributes.
"""

from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.string cimport memcmp, strncmp
from libcpp.vector cimport vector

from perceptron_core.kernel.row cimport Row

import msgspec
import numpy as np

cdef extern from *:
    """
    #include <charconv>
    #include <system_error>
    // Exactly rounded, and without a locale.
    static inline bool read_double(const char *from, const char *to, double *value) {
        auto found = std::from_chars(from, to, *value);
        return found.ec == std::errc() && found.ptr == to;
    }
    static const double POWERS[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13,
                                    1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    """
    bint read_double(const char *start, const char *end, double *value)
    const double[23] POWERS

ctypedef const unsigned char *Text

cdef enum:
    REFUSED = -1

cdef enum Field:
    ID, FEATURES, LABEL, WEIGHT, OTHER

cdef enum Kind:
    NUMBER, BOOLEAN, TEXT, NOTHING

cdef enum:
    CHUNK = 8192  # numbers
    CACHED = 1024  # texts
    CACHED_BYTES = 64  # of the longest of them
    DIGITS = 18  # of an integer that surely fits 64 bits
    EXPONENT_DIGITS = 4
    EXACT = 22  # the largest power of ten that is a double
    LEAST_BYTES = 5  # of a feature: "":0,

cdef unsigned long long WHOLE = 1ULL << 53  # integers up to here are doubles

cdef struct Part:
    Py_ssize_t at
    Py_ssize_t size

cdef struct Name:
    const char *text
    Py_ssize_t size
    Field field


cdef class Scanner:
    """Reads records of one kind.

    Parameters
    ----------
    fields
        The names of the fields id, features, label and weight, then any other name of the label.
    target
        From a label to the target y; KeyError where there is none.
    label_types
        The types that a label may have.
    max_bytes
        The size of the largest record.
    max_id
        The length of the longest id.
    """

    cdef list names_of_fields
    cdef vector[Name] fields
    cdef object target
    cdef bint takes_numbers, takes_texts, takes_booleans
    cdef Py_ssize_t max_bytes, max_id
    # of the record before: what stands before each value, and the names in it
    cdef bytes model
    cdef vector[Part] parts
    cdef list names
    cdef tuple layout
    # of this record
    cdef vector[Part] found
    cdef object id
    cdef object y, weight
    cdef Row row
    cdef object unlabelled, negative, positive, one  # what most samples have, made once
    # of the value that was read last
    cdef Kind kind
    cdef str text
    cdef double number
    cdef unsigned long long digits
    cdef bint is_integer, is_negative
    cdef list cache
    cdef double[::1] numbers
    cdef Py_ssize_t used

    def __init__(self, fields, target, label_types, Py_ssize_t max_bytes, Py_ssize_t max_id):
        kinds = [ID, FEATURES, LABEL, WEIGHT] + [LABEL] * (len(fields) - 4)
        self.names_of_fields = [name.encode() for name in fields]
        for name, kind in zip(self.names_of_fields, kinds):
            self.fields.push_back(Name(<char *>(<bytes>name), len(name), kind))
        self.target = target
        self.unlabelled, self.one = float("nan"), 1.0
        self.negative, self.positive = self._known(0), self._known(1)
        self.takes_numbers = float in label_types
        self.takes_texts = str in label_types
        self.takes_booleans = bool in label_types
        self.max_bytes, self.max_id = max_bytes, max_id
        self.model, self.names, self.layout = b"", [], ()
        self.cache = [None] * CACHED
        self.numbers = np.empty(CHUNK)

    def _known(self, label):
        """Return the target of a label that is likely; None where it is none."""
        try:
            return self.target(label)
        except KeyError:
            return None

    def scan(self, values, Py_ssize_t row, samples):
        """Append the records from ``row`` on to the columns of ``samples``; return the first that is not plain."""
        cdef list rows = samples.rows, ids = samples.ids, features = samples.features
        cdef list labels = samples.labels, weights = samples.weights
        cdef Py_ssize_t count = len(values)
        while row < count:
            value = values[row]
            if type(value) is not bytes or not self._is_plain(<bytes>value):
                break
            rows.append(row)
            ids.append(self.id)
            features.append(self.row)
            labels.append(self.y)
            weights.append(self.weight)
            row += 1
        self.id = self.row = None
        return row

    cdef bint _is_plain(self, bytes value):
        if len(value) > self.max_bytes:
            return False
        try:
            return self._record(value, <Text>(<char *>value)) == len(value)
        except (ValueError, KeyError, OverflowError, msgspec.DecodeError):
            return False

    cdef Py_ssize_t _record(self, bytes value, Text text) except -2:
        """Read a record; return its length, or REFUSED. The zero behind the bytes ends every loop."""
        cdef Py_ssize_t at = _space(text, 0), end
        cdef int seen = 0
        cdef Field field
        self.id, self.row, self.y, self.weight = None, None, self.unlabelled, self.one
        if text[at] != b"{":
            return REFUSED
        at += 1
        while True:
            at = _space(text, at)
            end = _end_of_text(text, at, True)
            if end == REFUSED:
                return REFUSED
            field = self._field(text + at + 1, end - at - 2)
            if field != OTHER and seen & (1 << field):
                return REFUSED
            seen |= 1 << field
            at = _space(text, end)
            if text[at] != b":":
                return REFUSED
            at = _space(text, at + 1)
            if field == FEATURES:
                at = self._features(value, text, at)
            else:
                at = self._value(text, at, field == LABEL)
                if at != REFUSED and field != OTHER and not self._take(field):
                    return REFUSED
            if at == REFUSED:
                return REFUSED
            at = _space(text, at)
            if text[at] == b"}":
                break
            if text[at] != b",":
                return REFUSED
            at += 1
        return REFUSED if self.row is None else _space(text, at + 1)

    cdef Field _field(self, Text name, Py_ssize_t size) noexcept:
        cdef Name known
        for known in self.fields:
            if known.size == size and memcmp(known.text, name, size) == 0:
                return known.field
        return OTHER

    cdef Py_ssize_t _features(self, bytes value, Text text, Py_ssize_t at) except -2:
        """Read an object of features into ``row``."""
        cdef Py_ssize_t k = 0, count = 0, size, end
        cdef Py_ssize_t length = len(value)
        cdef Py_ssize_t known = <Py_ssize_t>self.parts.size()
        cdef Text model = <Text>(<char *>self.model)
        cdef list names = None, texts = None, kept = None
        cdef Part part
        cdef double *numbers
        if text[at] != b"{":
            return REFUSED
        at += 1
        if self.used + (length - at) // LEAST_BYTES + 1 > self.numbers.shape[0]:
            self.numbers = np.empty(max(CHUNK, length // LEAST_BYTES + 1))
            self.used = 0
        numbers = &self.numbers[self.used]
        self.found.clear()
        while text[at] != b"}":
            if names is None and k < known and (size := self.parts[k].size) <= length - at and (
                memcmp(text + at, model + self.parts[k].at, size) == 0
            ):
                part = Part(at, size)
                at += size
            else:
                end = _space(text, at)
                if text[end] == b"}":
                    at = end
                    break
                if names is None:
                    names = self.names[:k]
                end = self._name(text, end, k == 0, names)
                if end == REFUSED:
                    return REFUSED
                part = Part(at, end - at)
                at = end
            self.found.push_back(part)
            at = self._value(text, at, True)
            if at == REFUSED:
                return REFUSED
            if self.kind == NOTHING and kept is None:
                kept = [True] * k
            if kept is not None:
                kept.append(self.kind != NOTHING)
            k += 1
            if self.kind == NOTHING:
                continue
            if self.kind == TEXT and texts is None:
                texts = [None] * count
            if texts is not None:
                texts.append(self.text if self.kind == TEXT else None)
            numbers[count] = 1.0 if self.kind == TEXT else self.number
            count += 1
        if names is None and k < known:
            names = self.names[:k]
        if names is not None:
            if len(set(names)) != k:
                return REFUSED
            self.names, self.layout, self.model = names, tuple(names), value
            self.parts.swap(self.found)
        layout = self.layout
        if kept is not None:
            layout = tuple([name for name, is_kept in zip(self.names, kept) if is_kept])
        self.row = _row(layout, self.numbers, self.used, None if texts is None else tuple(texts))
        self.used += count
        return at + 1

    cdef Py_ssize_t _name(self, Text text, Py_ssize_t at, bint is_first, list names) except -2:
        """Read what is before a feature's value by the grammar, and append its name."""
        cdef Py_ssize_t end
        if not is_first:
            if text[at] != b",":
                return REFUSED
            at = _space(text, at + 1)
        end = _end_of_text(text, at, False)
        if end == REFUSED:
            return REFUSED
        names.append(self._text(text, at, end, True))
        at = _space(text, end)
        return _space(text, at + 1) if text[at] == b":" else REFUSED

    cdef bint _take(self, Field field) except -1:
        """Take the value that was read as that of a field; return whether it can be one."""
        if field == ID:
            return self._take_id()
        if field == LABEL:
            return self._take_label()
        self.weight = self.number
        return self.kind == NUMBER and not self.is_negative

    cdef bint _take_id(self) except -1:
        if self.kind == TEXT:
            self.id = self.text
            return len(self.text) <= self.max_id
        if self.kind == NUMBER:
            self.id = -<long long>self.digits if self.is_negative else <long long>self.digits
            return self.is_integer
        return self.kind == NOTHING

    cdef bint _take_label(self) except -1:
        if self.kind == TEXT:
            self.y = self.target(self.text) if self.takes_texts else None
        elif self.kind == BOOLEAN:
            self.y = self.target(self.number != 0.0) if self.takes_booleans else None
        elif self.kind == NUMBER:
            if not self.takes_numbers or self.is_integer and self.digits > WHOLE:
                return False
            if self.is_integer and self.digits <= 1 and not self.is_negative:
                self.y = self.positive if self.digits else self.negative
            else:
                self.y = self.target(self.number)
        return self.y is not None

    cdef Py_ssize_t _value(self, Text text, Py_ssize_t at, bint is_frequent) except -2:
        """Read what is neither an array nor an object; return the position behind it, or REFUSED."""
        cdef Py_ssize_t end
        at = _space(text, at)  # the model may have had none
        if text[at] == b'"':
            self.kind = TEXT
            end = _end_of_text(text, at, False)
            if end != REFUSED:
                self.text = self._text(text, at, end, is_frequent)
            return end
        if text[at] == b"n":
            self.kind = NOTHING
            return _literal(text, at, b"null", 4)
        if text[at] == b"t" or text[at] == b"f":
            self.kind = BOOLEAN
            self.number = text[at] == b"t"
            return _literal(text, at, b"true", 4) if text[at] == b"t" else _literal(text, at, b"false", 5)
        self.kind = NUMBER
        return self._number(text, at)

    cdef Py_ssize_t _number(self, Text text, Py_ssize_t at) noexcept:
        """Read a number: by one exact product or quotient where both parts are doubles (Clinger 1990)."""
        cdef Py_ssize_t start = at, first, count, places = 0
        cdef unsigned long long digits = 0, exponent = 0
        cdef int power = 0
        cdef bint shrinks
        self.is_negative = text[at] == b"-"
        at += self.is_negative
        first = at
        at = at + 1 if text[at] == b"0" else _digits(text, at, &digits)
        count = at - first
        if count == 0:
            return REFUSED
        self.is_integer = text[at] != b"." and not _is_e(text[at])
        if self.is_integer:
            if count > DIGITS or self.is_negative and digits == 0:  # the others make an integer 0 of -0
                return REFUSED
        elif text[at] == b".":
            first = at + 1
            at = _digits(text, first, &digits)
            places = at - first
            if places == 0:
                return REFUSED
            count += places
        if _is_e(text[at]):
            at += 1
            shrinks = text[at] == b"-"
            at += shrinks or text[at] == b"+"
            first = at
            at = _digits(text, first, &exponent)
            if not 1 <= at - first <= EXPONENT_DIGITS:
                return REFUSED
            power = -<int>exponent if shrinks else <int>exponent
        power -= <int>places
        self.digits = digits
        if count <= DIGITS and digits <= WHOLE and -EXACT <= power <= EXACT:
            self.number = digits / POWERS[-power] if power < 0 else digits * POWERS[power]
        elif self.is_integer:
            self.number = <double>digits
        else:
            return at if read_double(<const char *>text + start, <const char *>text + at, &self.number) else REFUSED
        if self.is_negative:
            self.number = -self.number
        return at

    cdef str _text(self, Text text, Py_ssize_t at, Py_ssize_t end, bint is_frequent):
        """Return the text between quotes; what is frequent is the same object as another time."""
        cdef const char *start = <const char *>text + at + 1
        cdef Py_ssize_t size = end - at - 2, k, cached_size
        cdef unsigned int hash = <unsigned int>size
        cdef bint is_escaped = False
        for k in range(size):
            hash = 31 * hash + <unsigned char>start[k]
            is_escaped |= start[k] == b"\\"
        if is_escaped:
            return msgspec.json.decode((<const char *>text)[at:end], type=str)
        if size > CACHED_BYTES or not is_frequent:
            return PyUnicode_DecodeUTF8(start, size, NULL)
        found = self.cache[hash % CACHED]
        if found is not None:
            spelled = PyUnicode_AsUTF8AndSize(found, &cached_size)
            if cached_size == size and memcmp(spelled, start, size) == 0:
                return found
        found = PyUnicode_DecodeUTF8(start, size, NULL)
        self.cache[hash % CACHED] = found
        return found


cdef Row _row(tuple names, double[::1] numbers, Py_ssize_t first, tuple texts):
    cdef Row row = Row.__new__(Row)
    row.names = names
    row.numbers = numbers
    row.first = first
    row.texts = texts
    return row


cdef inline Py_ssize_t _digits(Text text, Py_ssize_t at, unsigned long long *number) noexcept:
    """Go on with a number by the digits from here on; return the position behind them."""
    while 48 <= text[at] <= 57:
        number[0] = 10 * number[0] + (text[at] - 48)
        at += 1
    return at


cdef inline bint _is_e(unsigned char c) noexcept:
    return c == 101 or c == 69


cdef inline Py_ssize_t _space(Text text, Py_ssize_t at) noexcept:
    """Return the first position that holds no white space."""
    while text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9:
        at += 1
    return at


cdef inline Py_ssize_t _literal(Text text, Py_ssize_t at, const char *word, Py_ssize_t size) noexcept:
    return at + size if strncmp(<const char *>text + at, word, size) == 0 else REFUSED


cdef inline Py_ssize_t _end_of_text(Text text, Py_ssize_t at, bint is_plain) noexcept:
    """Return the position behind a text, or REFUSED: where it is to be plain, of any but ASCII without escapes."""
    if text[at] != b'"':
        return REFUSED
    at += 1
    while text[at] != b'"':
        if is_plain and (text[at] > 126 or text[at] == b"\\"):
            return REFUSED
        if text[at] == b"\\":
            at += 1
        if text[at] < 32:
            return REFUSED
        at += 1
    return at + 1

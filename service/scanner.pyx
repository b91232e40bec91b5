"""The shortest way: the bytes of well-formed records straight into rows of numbers.

One pass over a record, without an object for a number, a name or a text. What is before a feature's value - comma,
name, colon, spaces - is compared with what stood there in the record before, and read by the grammar only where
that differs. Whatever is not plain is left to ``records.py``: other nesting, integers beyond 18 digits, a field
twice. Where this way accepts, the others agree: a law, and tested as one.

What reads returns the position behind it, or REFUSED; what was read is left in attributes.
"""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize, PyUnicode_DecodeUTF8
from libc.string cimport memcmp, memcpy, strncmp
from libcpp.vector cimport vector

from perceptron_core.kernel.row cimport Row
from perceptron_core.kernel.spelling cimport part_size, put_part, sip_hash

import secrets
import sys

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
cdef Py_ssize_t LONGER_THAN_ANY = sys.maxsize

cdef struct Span:
    Py_ssize_t at
    Py_ssize_t size

cdef struct Value:
    Kind kind
    Py_ssize_t at  # of a text, with its quotes
    Py_ssize_t end

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
    # of the record before: what stands before each value, the names in it, spelled, and the identities of numbers
    cdef bytes model
    cdef vector[Span] parts
    cdef vector[unsigned char] spelled
    cdef vector[Span] names
    cdef bytes layout
    cdef vector[Py_ssize_t] seats  # of names, to find two that are equal
    cdef unsigned long long key_0, key_1
    # of this record
    cdef vector[Span] found
    cdef vector[Value] values  # of its features, as soon as one is no number
    cdef Py_ssize_t count  # of its features that are not null
    cdef vector[unsigned char] identities
    cdef bytes last  # of them, of any record
    cdef object id
    cdef object y, weight
    cdef Row row
    cdef object unlabelled, negative, positive, one  # what most samples have, made once
    # of the value that was read last
    cdef Kind kind
    cdef Py_ssize_t start, end
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
        self.model = self.layout = self.last = b""
        self.key_0, self.key_1 = secrets.randbits(64), secrets.randbits(64)
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
                at = self._value(text, at)
                if at != REFUSED and not self._take(field, text):
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
        cdef Py_ssize_t length = len(value), end
        if text[at] != b"{":
            return REFUSED
        at += 1
        if self.used + (length - at) // LEAST_BYTES + 1 > self.numbers.shape[0]:
            self.numbers = np.empty(max(CHUNK, length // LEAST_BYTES + 1))
            self.used = 0
        end = self._as_before(text, at, length)
        return self._otherwise(value, text, at) if end == REFUSED else end

    cdef Py_ssize_t _as_before(self, Text text, Py_ssize_t at, Py_ssize_t length) except -2:
        """Read features that have the names of the record before, written as there."""
        cdef Text model = <Text>(<char *>self.model)
        cdef Span part
        self._begin()
        for part in self.parts:
            if part.size > length - at or memcmp(text + at, model + part.at, part.size) != 0:
                return REFUSED
            at = self._feature(text, at + part.size)
            if at == REFUSED:
                return REFUSED
        at = _space(text, at)
        if text[at] != b"}":
            return REFUSED
        self._make_row(text)
        return at + 1

    cdef Py_ssize_t _otherwise(self, bytes value, Text text, Py_ssize_t at) except -2:
        """Read features by the grammar; where that succeeds, the next record may be as this one."""
        cdef Py_ssize_t end
        self.parts.assign(1, Span(0, LONGER_THAN_ANY))
        self.found.clear()
        self.spelled.clear()
        self.names.clear()
        self._begin()
        while True:
            end = _space(text, at)
            if text[end] == b"}":
                break
            end = self._name(text, end)
            if end == REFUSED:
                return REFUSED
            self.found.push_back(Span(at, end - at))
            at = self._feature(text, end)
            if at == REFUSED:
                return REFUSED
        if not self._names_differ():
            return REFUSED
        self.model, self.layout = value, None
        self._make_row(text)
        self.parts.swap(self.found)
        return end + 1

    cdef void _begin(self) noexcept:
        """Forget the features read so far."""
        self.count = 0
        self.values.clear()

    cdef Py_ssize_t _name(self, Text text, Py_ssize_t at) except -2:
        """Read what is before a feature's value by the grammar, and spell its name."""
        cdef Py_ssize_t end, size = <Py_ssize_t>self.spelled.size()
        if not self.found.empty():
            if text[at] != b",":
                return REFUSED
            at = _space(text, at + 1)
        end = _end_of_text(text, at, False)
        if end == REFUSED:
            return REFUSED
        self.spelled.resize(size + part_size(end - at))
        self.spelled.resize(_put(self.spelled.data(), size, text, at, end))
        self.names.push_back(Span(size, <Py_ssize_t>self.spelled.size() - size))
        at = _space(text, end)
        return _space(text, at + 1) if text[at] == b":" else REFUSED

    cdef bint _names_differ(self) noexcept:
        """Whether no two names are equal."""
        cdef Py_ssize_t k, seat, count = <Py_ssize_t>self.names.size(), last = 3
        cdef const unsigned char *spelled = self.spelled.data()
        cdef Span name, other
        while last < 2 * count:
            last = 2 * last + 1
        self.seats.assign(last + 1, 0)
        for k in range(count):
            name = self.names[k]
            seat = sip_hash(spelled + name.at, name.size, self.key_0, self.key_1) & last
            while self.seats[seat] != 0:
                other = self.names[self.seats[seat] - 1]
                if other.size == name.size and memcmp(spelled + other.at, spelled + name.at, name.size) == 0:
                    return False
                seat = (seat + 1) & last
            self.seats[seat] = k + 1
        return True

    cdef Py_ssize_t _feature(self, Text text, Py_ssize_t at) except -2:
        """Read a feature's value."""
        at = self._value(text, at)
        if at == REFUSED:
            return REFUSED
        if self.values.empty() and self.kind > BOOLEAN:
            self.values.assign(self.count, Value(NUMBER, 0, 0))
        if self.kind > BOOLEAN or not self.values.empty():
            self.values.push_back(Value(self.kind, self.start, self.end))
        if self.kind != NOTHING:
            self.numbers[self.used + self.count] = 1.0 if self.kind == TEXT else self.number
            self.count += 1
        return at

    cdef int _make_row(self, Text text) except -1:
        """Make the row of the features read; where they are all numbers, with the identities of the one before."""
        if self.layout is None or not self.values.empty():
            identities = self._identities(text)
            if self.values.empty():
                self.layout = identities
        else:
            identities = self.layout
        self.row = Row.__new__(Row)
        self.row.identities = identities
        self.row.count = self.count
        self.row.numbers = self.numbers
        self.row.first = self.used
        self.used += self.count

    cdef bytes _identities(self, Text text):
        """Spell the identities of the features read."""
        cdef Py_ssize_t k, at = 0, room = <Py_ssize_t>(self.spelled.size() + self.names.size())
        cdef bint has_others = not self.values.empty()
        cdef Kind kind = NUMBER
        cdef Value value
        cdef Span name
        cdef unsigned char *out
        for value in self.values:
            if value.kind == TEXT:
                room += part_size(value.end - value.at)
        self.identities.resize(room)
        out = self.identities.data()
        for k in range(<Py_ssize_t>self.names.size()):
            if has_others:
                kind = self.values[k].kind
            if kind == NOTHING:
                continue
            name = self.names[k]
            out[at] = 0x92 if kind == TEXT else 0x91
            memcpy(out + at + 1, self.spelled.data() + name.at, name.size)
            at += 1 + name.size
            if kind == TEXT:
                at = _put(out, at, text, self.values[k].at, self.values[k].end)
        if at == 0:
            return b""
        if at == len(self.last) and memcmp(out, <char *>self.last, at) == 0:
            return self.last
        self.last = PyBytes_FromStringAndSize(<char *>out, at)
        return self.last

    cdef bint _take(self, Field field, Text text) except -1:
        """Take the value that was read as that of a field; return whether it can be one."""
        word = self._text(text, self.start, self.end, field == LABEL) if self.kind == TEXT else None
        if field == ID:
            return self._take_id(word)
        if field == LABEL:
            return self._take_label(word)
        if field == OTHER:
            return True
        self.weight = self.number
        return self.kind == NUMBER and not self.is_negative

    cdef bint _take_id(self, str word) except -1:
        if self.kind == TEXT:
            self.id = word
            return len(word) <= self.max_id
        if self.kind == NUMBER:
            self.id = -<long long>self.digits if self.is_negative else <long long>self.digits
            return self.is_integer
        return self.kind == NOTHING

    cdef bint _take_label(self, str word) except -1:
        if self.kind == TEXT:
            self.y = self.target(word) if self.takes_texts else None
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

    cdef Py_ssize_t _value(self, Text text, Py_ssize_t at) noexcept:
        """Read what is neither an array nor an object; return the position behind it, or REFUSED."""
        at = _space(text, at)  # the model may have had none
        if text[at] == b'"':
            self.kind = TEXT
            self.start, self.end = at, _end_of_text(text, at, False)
            return self.end
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


cdef Py_ssize_t _put(unsigned char *out, Py_ssize_t at, Text text, Py_ssize_t start, Py_ssize_t end) except -1:
    """Spell the text between quotes; return the position behind it. UTF-8 is checked."""
    cdef Py_ssize_t k, size
    cdef const char *read
    cdef unsigned char all = 0
    for k in range(start + 1, end - 1):
        if text[k] == b"\\":
            word = msgspec.json.decode((<const char *>text)[start:end], type=str)
            read = PyUnicode_AsUTF8AndSize(word, &size)
            return put_part(out, at, <Text>read, size)
        all |= text[k]
    if all > 127:
        PyUnicode_DecodeUTF8(<const char *>text + start + 1, end - start - 2, NULL)
    return put_part(out, at, text + start + 1, end - start - 2)


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

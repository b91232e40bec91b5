"""How identities are spelled and hashed where the kernel is compiled: MessagePack, and SipHash-1-3."""

from cpython.bytes cimport PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_AsUTF8AndSize
from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(__GNUC__)
    #define prefetch(address) __builtin_prefetch(address)
    #else
    #define prefetch(address) ((void) 0)
    #endif
    """
    void prefetch(const void *address) noexcept

ctypedef const unsigned char *Text


cdef inline bytes spelled(object name, object text):
    """Return the identity of a number, or of a text."""
    cdef Py_ssize_t size = 0, more = 0, at, room
    cdef const char *of_name = PyUnicode_AsUTF8AndSize(name, &size)
    cdef const char *of_text = NULL
    room = 1 + part_size(size)
    if text is not None:
        of_text = PyUnicode_AsUTF8AndSize(text, &more)
        room += part_size(more)
    cdef bytes found = PyBytes_FromStringAndSize(NULL, room)
    cdef unsigned char *out = <unsigned char *><char *>found
    out[0] = 0x91 if text is None else 0x92
    at = put_part(out, 1, <Text>of_name, size)
    if text is not None:
        put_part(out, at, <Text>of_text, more)
    return found


cdef inline Py_ssize_t part_size(Py_ssize_t size) noexcept:
    """Return the bytes that a name or a text of ``size`` takes, once spelled."""
    return size + (1 if size < 32 else 2 if size < 1 << 8 else 3 if size < 1 << 16 else 5)


cdef inline Py_ssize_t put_part(unsigned char *out, Py_ssize_t at, Text text, Py_ssize_t size) noexcept:
    """Spell a name or a text from ``at`` on; return the position behind it."""
    cdef Py_ssize_t header = part_size(size) - size, c
    out[at] = 0xA0 | size if header == 1 else 0xD9 if header == 2 else 0xDA if header == 3 else 0xDB
    for c in range(1, header):
        out[at + c] = (size >> 8 * (header - 1 - c)) & 0xFF
    memcpy(out + at + header, text, size)
    return at + header + size


cdef inline unsigned long long sip_hash(
    Text text, Py_ssize_t size, unsigned long long key_0, unsigned long long key_1
) noexcept:
    """Return SipHash-1-3 (Aumasson and Bernstein 2012), on little-endian machines."""
    cdef unsigned long long v[4]
    cdef unsigned long long word = 0
    cdef Py_ssize_t at
    v[0] = key_0 ^ 0x736F6D6570736575ULL
    v[1] = key_1 ^ 0x646F72616E646F6DULL
    v[2] = key_0 ^ 0x6C7967656E657261ULL
    v[3] = key_1 ^ 0x7465646279746573ULL
    for at in range(0, size - 7, 8):
        memcpy(&word, text + at, 8)
        sip_take(v, word)
    word = 0
    memcpy(&word, text + (size & ~7), size & 7)
    sip_take(v, word | <unsigned long long>size << 56)
    v[2] ^= 0xFF
    sip_round(v)
    sip_round(v)
    sip_round(v)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


cdef inline void sip_take(unsigned long long *v, unsigned long long word) noexcept:
    v[3] ^= word
    sip_round(v)
    v[0] ^= word


cdef inline void sip_round(unsigned long long *v) noexcept:
    v[0] += v[1]
    v[2] += v[3]
    v[1] = turned(v[1], 13) ^ v[0]
    v[3] = turned(v[3], 16) ^ v[2]
    v[0] = turned(v[0], 32)
    v[2] += v[1]
    v[0] += v[3]
    v[1] = turned(v[1], 17) ^ v[2]
    v[3] = turned(v[3], 21) ^ v[0]
    v[2] = turned(v[2], 32)


cdef inline unsigned long long turned(unsigned long long word, int places) noexcept:
    return word << places | word >> (64 - places)

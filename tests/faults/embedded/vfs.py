"""An observer between SQLite and the disk: a VFS in the very library that Python's ``sqlite3`` runs on.

It is the platform's own VFS with a few entries exchanged: each operation is told to an observer first,
which lets it happen (0) or fails it with one of SQLite's error codes. Syncs are told and not carried
out, so that thousands of lives take minutes; what a sync is worth is for :mod:`.operations` to say.
"""

from __future__ import annotations

import _sqlite3
import ctypes
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, c_char_p, c_int, c_int64, c_void_p
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from tests.faults.embedded.operations import Create, Delete, Operation, Sync, Truncate, Write

Observer = Callable[[Operation], int]

OPEN_CREATE = 0x4
OPEN_JOURNALS = 0x800 | 0x4000 | 0x80000  # rollback journal, super-journal, write-ahead log

OPEN = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, POINTER(c_int))
DELETE = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
RANDOMNESS = CFUNCTYPE(c_int, c_void_p, c_int, c_void_p)
WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
TRUNCATE = CFUNCTYPE(c_int, c_void_p, c_int64)
SYNC = CFUNCTYPE(c_int, c_void_p, c_int)

_VFS_CALLS = (
    "open delete access full_pathname dl_open dl_error dl_sym dl_close randomness sleep current_time "
    "get_last_error current_time_int64 set_system_call get_system_call next_system_call"
)
_FILE_CALLS = (
    "close read write truncate sync file_size lock unlock check_reserved_lock file_control sector_size "
    "device_characteristics shm_map shm_lock shm_barrier shm_unmap fetch unfetch"
)


class _Vfs(ctypes.Structure):
    """``sqlite3_vfs``, version 3."""

    _fields_ = (
        *(("version", c_int), ("file_size", c_int), ("longest_path", c_int), ("next", c_void_p)),
        *(("name", c_char_p), ("data", c_void_p)),
        *((call, c_void_p) for call in _VFS_CALLS.split()),
    )


class _Methods(ctypes.Structure):
    """``sqlite3_io_methods``, version 3."""

    _fields_ = (("version", c_int), *((call, c_void_p) for call in _FILE_CALLS.split()))


class _Open(NamedTuple):
    """An open file: its name, the methods it had, and whether its first sync is one of the directory."""

    path: Path
    methods: _Methods
    syncs_directory: bool


class ObservedVfs:
    """The VFS; SQLite's default, and thereby everyone's, within :meth:`observed`."""

    def __init__(self) -> None:
        self._library = _library()
        self._real_address = self._library.sqlite3_vfs_find(None)
        self._real = _Vfs.from_address(self._real_address)
        self._vfs = _Vfs.from_buffer_copy(self._real)
        self._vfs.name = b"observed"
        self._directory = Path()
        self._observer: Observer = lambda operation: 0
        self._seed = b""
        self._files: dict[int, _Open] = {}
        self._methods: dict[int, _Methods] = {}
        calls = (OPEN(self._open), DELETE(self._delete), RANDOMNESS(self._random))
        self._vfs.open, self._vfs.delete, self._vfs.randomness = map(_address, calls)
        self._file_calls = (WRITE(self._write), TRUNCATE(self._truncate), SYNC(self._sync))
        self._kept = calls  # SQLite holds their addresses only

    @contextmanager
    def observed(self, directory: Path, observer: Observer, seed: str) -> Iterator[None]:
        """Tell ``observer`` what is asked for in ``directory``; SQLite's chance follows from ``seed``."""
        self._directory, self._observer, self._seed = directory.resolve(), observer, seed.encode()
        self._library.sqlite3_randomness(0, None)  # it asks for a new seed
        self._library.sqlite3_vfs_register(ctypes.byref(self._vfs), 1)
        try:
            yield
        finally:
            self._library.sqlite3_vfs_register(self._real_address, 1)
            self._library.sqlite3_randomness(0, None)
            self._observer = lambda operation: 0

    def _tell(self, path: Path, operation: Operation) -> int:
        return self._observer(operation) if path.parent == self._directory else 0

    def _open(self, vfs: int, name: int | None, file: int, flags: int, out_flags: Any) -> int:
        path = Path(os.fsdecode(ctypes.string_at(name))) if name else None
        is_new = path is not None and bool(flags & OPEN_CREATE) and not path.exists()
        if path is not None and is_new and (error := self._tell(path, Create(path.name))):
            ctypes.c_void_p.from_address(file).value = None  # not open: nothing to close
            return error
        result = OPEN(self._real.open)(vfs, name, file, flags, out_flags)
        if result == 0 and path is not None:
            self._exchange(file, path, bool(flags & OPEN_CREATE and flags & OPEN_JOURNALS))
        return int(result)

    def _exchange(self, file: int, path: Path, syncs_directory: bool) -> None:
        """Let the calls for this file come to us; they go on to the methods that it has now."""
        pointer = ctypes.c_void_p.from_address(file)
        assert pointer.value is not None, "an open file has methods"
        methods = _Methods.from_address(pointer.value)
        ours = self._methods.setdefault(pointer.value, _Methods.from_buffer_copy(methods))
        ours.write, ours.truncate, ours.sync = map(_address, self._file_calls)
        self._files[file] = _Open(path, methods, syncs_directory)
        pointer.value = ctypes.addressof(ours)

    def _delete(self, vfs: int, name: bytes, sync_directory: int) -> int:
        path = Path(os.fsdecode(name))
        if path.exists() and (error := self._tell(path, Delete(path.name, bool(sync_directory)))):
            return error
        return int(DELETE(self._real.delete)(vfs, name, 0))

    def _write(self, file: int, data: int, size: int, offset: int) -> int:
        path, methods, _ = self._files[file]
        if error := self._tell(path, Write(path.name, offset, ctypes.string_at(data, size))):
            return error
        return int(WRITE(methods.write)(file, data, size, offset))

    def _truncate(self, file: int, size: int) -> int:
        path, methods, _ = self._files[file]
        return self._tell(path, Truncate(path.name, size)) or int(TRUNCATE(methods.truncate)(file, size))

    def _sync(self, file: int, flags: int) -> int:
        path, _, syncs_directory = opened = self._files[file]
        error = self._tell(path, Sync(path.name, syncs_directory))
        if not error:
            self._files[file] = opened._replace(syncs_directory=False)
        return error

    def _random(self, vfs: int, size: int, out: int) -> int:
        ctypes.memmove(out, hashlib.shake_128(self._seed).digest(size), size)
        return size


@cache
def observed_vfs() -> ObservedVfs:
    """Return the one of this process: SQLite may keep pointers to it."""
    return ObservedVfs()


def _library() -> ctypes.CDLL:
    """Return the library behind ``sqlite3``.

    Raises
    ------
    RuntimeError
        It is built into Python and hidden.
    """
    library = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    try:
        library.sqlite3_vfs_find.restype = c_void_p
    except AttributeError:
        raise RuntimeError(
            "this Python hides its SQLite library; crashes of the embedded stream need one that links it "
            "dynamically, as Debian's, Docker's and pyenv's do"
        ) from None
    library.sqlite3_vfs_register.argtypes = [c_void_p, c_int]
    library.sqlite3_randomness.argtypes = [c_int, c_void_p]
    return library


def _address(call: Any) -> int | None:
    return ctypes.cast(call, c_void_p).value

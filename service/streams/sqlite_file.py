"""A connection to the SQLite file of a stream: how it is opened, locked, and what its errors mean.

Do: know SQLite. Do not: know records, groups or writers. A connection belongs to one thread at a time;
any thread may close it.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from service.errors import (
    ConfigurationError,
    Damaged,
    NotAuthorized,
    RecordTooLarge,
    StreamError,
    Unreachable,
)

APPLICATION_ID = 0x70637074  # "pcpt"
FORMAT_VERSION = 1
SMALLEST_DATABASE = 512
LOCK_TIMEOUT_S = 10.0
# SQLite's own waiting backs off to 100 ms and starves behind a busy producer: short naps, often.
LOCK_NAP_S = 0.005

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS topics (
    name TEXT PRIMARY KEY, partitions INTEGER NOT NULL, config TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS logs (
    id INTEGER PRIMARY KEY, topic TEXT NOT NULL, partition INTEGER NOT NULL,
    first_offset INTEGER NOT NULL DEFAULT 0, UNIQUE (topic, partition));
CREATE TABLE IF NOT EXISTS group_offsets (
    group_id TEXT, topic TEXT, partition INTEGER, next_offset INTEGER NOT NULL,
    PRIMARY KEY (group_id, topic, partition)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seats (
    seat INTEGER PRIMARY KEY, group_id TEXT NOT NULL, topic TEXT NOT NULL, instance_id TEXT NOT NULL,
    owner TEXT NOT NULL, timeout_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS fences (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {FORMAT_VERSION};
"""


class SqliteFile:
    """One connection to the file, made on first use."""

    def __init__(self, path: str) -> None:
        self.path = str(Path(path).absolute())
        self._is_writing = False
        _refuse_other_files(Path(self.path))
        try:
            self._connection = sqlite3.connect(
                self.path, timeout=LOCK_NAP_S, isolation_level=None, check_same_thread=False
            )
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        if self._is_empty():
            self.rows("PRAGMA page_size = 8192")  # a tenth faster than 4096 (measured)
        if self.rows("PRAGMA journal_mode = WAL") != [("wal",)]:
            raise Unreachable(f"{self.path}: this file system cannot share a file; use a local disk")
        self._identity = _identity(self.path)
        # FULL, so that an acknowledged commit survives a power cut: NORMAL would gain a tenth (measured).
        self.rows("PRAGMA synchronous = FULL")
        self.rows(f"PRAGMA journal_size_limit = {64 << 20}")
        if self._is_empty():
            with self.transaction():
                for statement in filter(str.strip, SCHEMA.split(";")):
                    self.rows(statement)

    def _is_empty(self) -> bool:
        """Whether nobody has used the file yet; refuses one that is not ours."""
        [(application, version, tables)] = self.rows(
            "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)"
            " FROM pragma_application_id, pragma_user_version"
        )
        if (application, tables) == (0, 0):
            return True
        if (application, version) != (APPLICATION_ID, FORMAT_VERSION):
            raise ConfigurationError(
                f"{self.path} is a database of another program or version "
                f"(application {application:#x}, version {version}); give another path in stream.url"
            )
        return False

    def rows(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        """Run one statement, wait for its lock if need be, and return its rows.

        Raises
        ------
        StreamError
            With the path and what to do; Unreachable after ten seconds of somebody else's lock.
        """
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                return self._connection.execute(sql, parameters).fetchall()
            except UnicodeDecodeError as error:  # what SQLite says of a schema that is none
                raise damaged(self.path, error) from None
            except sqlite3.Error as error:
                if _code(error) not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) or (
                    time.monotonic() > deadline
                ):
                    raise _explained(self.path, error) from error

    def each(self, sql: str, parameters: Iterable[Sequence[Any]]) -> None:
        """Run one statement for each row of parameters; belongs inside a transaction."""
        try:
            self._connection.executemany(sql, parameters)
        except sqlite3.Error as error:
            raise _explained(self.path, error) from error

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block or nothing; within another transaction, be part of that."""
        if self._is_writing:
            yield
            return
        self.require_present()
        self.rows("BEGIN IMMEDIATE")
        self._is_writing = True
        try:
            yield
            self.rows("COMMIT")
        except BaseException:
            with contextlib.suppress(sqlite3.Error):
                self._connection.rollback()
            raise
        finally:
            self._is_writing = False

    def require_present(self) -> None:
        """Raise where the path leads to another file by now, or to none: ours has no name any more."""
        if _identity(self.path) != self._identity:
            raise StreamError(f"{self.path} was removed or replaced while it was in use; start again")

    def close(self) -> None:
        """Release the file; never raises."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()


def _identity(path: str) -> tuple[int, int] | None:
    """Return which file is at a path: one that was removed lives on, unseen, for those who have it open."""
    with contextlib.suppress(OSError):
        found = Path(path).stat()
        return found.st_dev, found.st_ino
    return None


def _code(error: sqlite3.Error) -> int:
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF


_MEANING: dict[int, tuple[type[StreamError], str]] = {
    sqlite3.SQLITE_BUSY: (Unreachable, "another process holds the lock; end it or try again"),
    sqlite3.SQLITE_LOCKED: (Unreachable, "another process holds the lock; end it or try again"),
    sqlite3.SQLITE_CANTOPEN: (Unreachable, "check that its directory exists and may be written to"),
    sqlite3.SQLITE_IOERR: (Unreachable, "check the disk, and what quota and file size this user may use"),
    sqlite3.SQLITE_FULL: (Unreachable, "make room on the disk"),
    sqlite3.SQLITE_READONLY: (NotAuthorized, "give this user the right to write the file and its directory"),
    sqlite3.SQLITE_PERM: (NotAuthorized, "give this user the right to write the file and its directory"),
    sqlite3.SQLITE_NOTADB: (Damaged, "give the path of a stream file, or of one to be made, in stream.url"),
    sqlite3.SQLITE_CORRUPT: (Damaged, "restore it from a copy, or move it away and start anew"),
    sqlite3.SQLITE_TOOBIG: (RecordTooLarge, "send smaller records"),
}


def _refuse_other_files(path: Path) -> None:
    """Raise for a file too short to be a database: SQLite would take it for an empty one.

    By its size alone: to open and close it here would drop this process's locks on it (POSIX).
    """
    with contextlib.suppress(OSError):  # SQLite says better what is wrong with a path
        if path.is_file() and 0 < path.stat().st_size < SMALLEST_DATABASE:
            raise Damaged(f"{path}: the file is not a database; {_MEANING[sqlite3.SQLITE_NOTADB][1]}")


def damaged(path: str, error: Exception) -> Damaged:
    """Say that the file is not what was written to it, and what to do."""
    return Damaged(f"{path}: {error}; {_MEANING[sqlite3.SQLITE_CORRUPT][1]}")


def _explained(path: str, error: sqlite3.Error) -> StreamError:
    kind, advice = _MEANING.get(_code(error), (StreamError, "see the message"))
    return kind(f"{path}: {error}; {advice}")

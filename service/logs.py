"""What is logged, and in which form: lines for a person, or JSON for whoever collects the logs of containers.

A line says what happened, and where: model, shard, and the offset, version or commit where these are known.

Do: log events, by names and numbers. Do not: log a secret, or anything of a record's key, value or headers.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from typing import Any, Final

from service.times import utc

PLACE: Final = ("model", "shard", "topic", "partition", "offset", "version", "sequence", "attempt")
FIELDS: Final = frozenset({*PLACE, "role", "kind", "records", "seconds"})
"""What a call may give as ``extra``; in JSON these are fields of their own."""

CLIENTS: Final = {"debug": "INFO", "info": "WARNING", "warning": "WARNING", "error": "ERROR"}
"""By our own level that of the libraries; never debug, since those lines can hold records and secrets."""


def is_json(format: str) -> bool:
    """Whether to log in JSON; ``"auto"`` means: in a container, away from a terminal."""
    return format == "json" or (format == "auto" and os.getpid() == 1 and not sys.stderr.isatty())


def formatter(as_json: bool, **context: Any) -> logging.Formatter:
    """Return what makes a line of a log record; ``context`` is in every one, where that is JSON."""
    return JsonLines(context) if as_json else logging.Formatter("%(asctime)s %(levelname)s %(message)s")


class JsonLines(logging.Formatter):
    """One JSON object a line: ts (RFC 3339, UTC), level, logger, message, and what else is known."""

    def __init__(self, context: dict[str, Any]) -> None:
        super().__init__()
        self._context = context

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, all in ASCII: it stays one, and valid, whatever the message holds."""
        told = {
            "ts": utc(record.created).replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **self._context,
            **{name: value for name, value in vars(record).items() if name in FIELDS},
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, default=str)

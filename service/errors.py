"""Every error a user can meet, and what it means for the process.

::

    PerceptronError                 exit 1: failed; the message says what to do
    ├── ConfigurationError          exit 2: wrong usage, settings, URL or fingerprint
    └── StreamError                 exit 1: the stream refused
        ├── Unreachable             nobody answers at the address
        ├── NotAuthorized           a right or a credential is missing
        ├── TopicMissing            a topic does not exist
        ├── OffsetGone              a position that the topic no longer (or not yet) has
        ├── OpenTransaction         somebody's transaction hides the end of the log
        ├── RecordTooLarge          a record that no topic of this size limit can take
        └── Damaged                 the model topic does not add up

The three outcomes of a commit that did not simply succeed - ``Fenced``, ``Aborted``, ``InDoubt`` -
are part of the port and live there: they are recovered from, never shown.
"""

from __future__ import annotations


class PerceptronError(Exception):
    """Base of all errors that are told to the user without a traceback."""

    exit_code = 1


class ConfigurationError(PerceptronError):
    """Wrong usage, settings, URL or fingerprint; nothing was changed."""

    exit_code = 2


class StreamError(PerceptronError):
    """The stream refused something that trying again will not mend."""


class Unreachable(StreamError):
    """Nobody answers at the address."""


class NotAuthorized(StreamError):
    """A right or a credential is missing."""


class TopicMissing(StreamError):
    """A topic does not exist."""


class OffsetGone(StreamError):
    """A position that the topic no longer, or not yet, has."""


class OpenTransaction(StreamError):
    """Somebody's open transaction hides the end of the log."""


class RecordTooLarge(StreamError):
    """A record is larger than the topic or the client takes."""


class Damaged(StreamError):
    """The model topic does not add up."""

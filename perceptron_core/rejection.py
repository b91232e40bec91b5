"""A sample that must not reach the weights: a value in the loop, an exception only at the public edge."""

from __future__ import annotations

from typing import NamedTuple


class Rejection(NamedTuple):
    """Why a sample was not used.

    Parameters
    ----------
    reason
        Machine-readable: ``wrong_type``, ``not_finite``, ``too_large``, ``too_many_features`` or
        ``diverged`` from the model; the service adds reasons of its own.
    message
        For a person: what was expected, what came, where.
    """

    reason: str
    message: str


class SampleRejected(ValueError):
    """A sample was refused; the model is as it was before it.

    Parameters
    ----------
    rejection
        The reason and the message.
    where
        Put before the message, such as ``"sample 17: "``.
    """

    def __init__(self, rejection: Rejection, where: str = "") -> None:
        super().__init__(rejection, where)
        self.rejection = rejection
        self.where = where

    def __str__(self) -> str:
        return f"{self.where}{self.rejection.message} ({self.rejection.reason})"

"""What is fuzzed, by chunks of cases: each case can be had again by its seed and its number."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, ClassVar

CHUNK = 200
"""Cases that share a random generator and a state; a chunk is what a process takes at a time."""

SHRINKING_STEPS = 500
MOST_FAILURES = 5
"""In a chunk: what fails so often needs no further cases."""


class Wrong(AssertionError):
    """An outcome that no input may have."""


class Target(ABC):
    """A reader of untrusted input, with its inputs and what may become of them.

    A *case* is what is handed over in one go; it may hold several inputs.
    """

    name: ClassVar[str]

    @abstractmethod
    def cases(self, source: random.Random) -> Iterator[Any]:
        """Yield cases for ever."""

    @abstractmethod
    def begin(self) -> None:
        """Go back to the state in which a chunk starts."""

    @abstractmethod
    def outcomes(self, case: Any) -> Iterable[str]:
        """Hand a case over and return what became of each of its inputs; raise where it may not."""

    @abstractmethod
    def smaller(self, case: Any) -> Iterator[Any]:
        """Yield cases that are a little smaller."""

    def close(self) -> None:  # noqa: B027
        """Release what was taken."""


@dataclass
class Failure:
    """A case that had an outcome which no input may have."""

    target: str
    seed: int
    number: int
    error: str
    case: Any

    def __str__(self) -> str:
        return f"{self.target} seed {self.seed} number {self.number}: {self.error}: {self.case!r:.400}"


@dataclass
class Tally:
    """What became of the inputs."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def add(self, other: Tally) -> None:
        """Take the counts of another."""
        self.outcomes += other.outcomes
        self.failures += other.failures


def chunk_of(target: Target, seed: int, chunk: int) -> Iterator[Any]:
    """Yield the cases of a chunk, always the same."""
    source = random.Random(f"{target.name}/{seed}/{chunk}")
    return islice(target.cases(source), CHUNK)


def case_of(target: Target, seed: int, number: int) -> Any:
    """Return a case by its number."""
    return next(islice(chunk_of(target, seed, number // CHUNK), number % CHUNK, None))


def run_chunk(target: Target, seed: int, chunk: int) -> Tally:
    """Hand over every case of a chunk."""
    tally = Tally()
    target.begin()
    for index, case in enumerate(chunk_of(target, seed, chunk)):
        try:
            tally.outcomes.update(target.outcomes(case))
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # Rust's panics are no Exception
            number = chunk * CHUNK + index
            tally.failures.append(
                Failure(target.name, seed, number, _told(error), _shrunk(target, case, error))
            )
            target.begin()
            if len(tally.failures) == MOST_FAILURES:
                break
    return tally


def _told(error: BaseException) -> str:
    return f"{type(error).__name__}: {error!s:.300}"


def _shrunk(target: Target, case: Any, error: BaseException) -> Any:
    """Return a small case that fails alike in a fresh state; the case itself where none does."""
    left = SHRINKING_STEPS
    while True:
        for smaller in target.smaller(case):
            left -= 1
            if _fails(target, smaller, type(error)):
                case = smaller
                break
            if left <= 0:
                return case
        else:
            return case


def _fails(target: Target, case: Any, kind: type[BaseException]) -> bool:
    target.begin()
    try:
        list(target.outcomes(case))
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return isinstance(error, kind)
    return False

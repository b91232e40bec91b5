"""Processes of the model world: each a thread of its own, of which one runs at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet

from tests.faults.simulation.clock import Clock
from tests.faults.simulation.plan import Fault

FOR_EVER = float("inf")


class Killed(BaseException):
    """The process is no more; nothing that it still does has any effect."""


class Outsider:
    """A process to which nothing ever happens by itself; a test may freeze or kill it."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.is_dead = False
        self.silent_since = self.silent_until = 0.0
        self.on_silence: list[Callable[[], None]] = []

    def step(self, point: str) -> Fault | None:
        """Come to a point where others may run; return what is to happen to the request made there."""
        if self.is_dead:
            raise Killed
        self.sleep(0.0)
        return None

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.pass_time(seconds)

    @property
    def is_silent(self) -> bool:
        """Whether nothing of it, heartbeats included, gets through to the broker."""
        return self.clock.now < self.silent_until

    def silence(self, seconds: float) -> None:
        """Let nothing get through for a while."""
        if not self.is_silent:
            self.silent_since = self.clock.now
        self.silent_until = max(self.silent_until, self.clock.now + seconds)
        for tell in self.on_silence:
            tell()

    def wake(self) -> None:
        """End a freeze."""
        self.silent_until = self.clock.now

    def die(self) -> None:
        """End at once, without a chance to say goodbye."""
        self.is_dead = True
        self.silence(FOR_EVER)


class Process(greenlet, Outsider):  # type: ignore[misc]
    """A process in virtual time that gives way to others at each step.

    Parameters
    ----------
    clock
        The world's.
    main
        What it does.
    strike
        Asked at each step, by process and point, for the fault that is to happen there.
    """

    def __init__(
        self, clock: Clock, main: Callable[[Any], None], strike: Callable[[Any, str], Fault | None]
    ) -> None:
        greenlet.__init__(self, lambda: main(self))
        Outsider.__init__(self, clock)
        self._strike = strike

    def step(self, point: str) -> Fault | None:
        """Take a moment, in which others may run, and whatever is to happen here."""
        if self.is_dead:
            raise Killed
        self.sleep(0.0002 + 0.002 * self.clock.random.random())
        return self._strike(self, point)

    def sleep(self, seconds: float) -> None:
        """Give way to whoever is to run before the time is over."""
        clock = self.clock
        until = clock.now + seconds
        if clock.is_quiet_until(until):
            clock.now = until
        else:
            clock.later(seconds, self.switch)
            self.parent.switch()
        if self.is_dead:
            raise Killed

    def freeze(self, seconds: float) -> None:
        """Stop as a whole, heartbeats and all, and go on as if nothing had been."""
        self.silence(seconds)
        self.sleep(seconds)


class VirtualTime:
    """Stands in for the module ``time`` within a world."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def monotonic(self) -> float:
        """Return the world's time."""
        return self._clock.now

    def sleep(self, seconds: float) -> None:
        """Let the process that runs sleep; whoever is in none lets the time pass for all."""
        running = getcurrent()
        if isinstance(running, Process):
            running.sleep(seconds)
        else:
            self._clock.pass_time(seconds)

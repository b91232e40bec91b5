"""What every command shares with the terminal: where it writes, how it fails, how it is stopped.

Answers go to stdout, for programs to read; everything about them goes to stderr.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any, Self

import typer
from rich.console import Console
from typer.core import TyperGroup

from service import logs
from service.errors import PerceptronError
from service.wish import Wish

INTERRUPTED = 130
QUIET_S = 60.0

log = logging.getLogger("perceptron")
errors = Console(stderr=True, highlight=False)


class Guarded(TyperGroup):
    """The commands, with every foreseen failure as one message and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:  # whoever read our output has seen enough
            _silence_stdout()
            return None
        except KeyboardInterrupt:
            raise typer.Exit(INTERRUPTED) from None
        except (PerceptronError, OSError) as error:
            _tell(error)
            raise typer.Exit(getattr(error, "exit_code", 1)) from None
        return result


class Interruption:
    """Turns the first SIGINT or SIGTERM into a wish to stop; the second leaves at once.

    ``wish`` is set by the first; whoever loops looks at it.
    """

    def __init__(self) -> None:
        self.wish = Wish()
        self._stop: Callable[[], None] = lambda: None

    def then(self, stop: Callable[[], None]) -> None:
        """Call ``stop`` at the first signal, at once where that has come already."""
        self._stop = stop
        if self.wish.is_set():
            stop()

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.wish.is_set():
            errors.show_cursor()
            os._exit(INTERRUPTED)
        self.wish.set()
        self._stop()

    def __enter__(self) -> Self:
        signals = (signal.SIGINT, signal.SIGTERM)
        self._before = {number: signal.signal(number, self._on_signal) for number in signals}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)


def say(text: str, style: str = "") -> None:
    """Write a line to stderr, whole, whatever the width of the terminal."""
    errors.print(text, style=style, markup=False, soft_wrap=True)


def start_logging(
    in_full: bool = False, format: str = "auto", level: str = "info", **context: object
) -> None:
    """Log to stderr: our own warnings; in full from ``level`` on, and the clients' warnings, too."""
    as_json = logs.is_json(format)
    handler = _LineHandler(_write_line if as_json else say)
    handler.setFormatter(logs.formatter(as_json, **context))
    clients = logs.CLIENTS[level] if in_full else "CRITICAL"
    logging.basicConfig(level=clients, handlers=[handler], force=True)
    log.setLevel(level.upper() if in_full else "WARNING")


def _tell(error: Exception) -> None:
    """Say what ended the process, in the form of the log."""
    handlers = logging.getLogger().handlers
    if any(isinstance(handler.formatter, logs.JsonLines) for handler in handlers):
        log.error("%s", error, extra={"kind": type(error).__name__})
    else:
        say(f"Error: {error}", style="red")


def _write_line(line: str) -> None:
    """Write a line to stderr as it is."""
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def warn_if_interpreted() -> None:
    """Say that learning is slow where the kernel was not compiled."""
    if not kernel_is_compiled():
        log.warning("the kernel runs interpreted, many times slower: install again with a C compiler")


def kernel_is_compiled() -> bool:
    """Whether the kernel is machine code."""
    from perceptron_core.kernel import neuron

    return not neuron.__file__.endswith(".py")


class _LineHandler(logging.Handler):
    """Writes around a live line, not through it; a client that says the same over and over is cut short."""

    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write
        self._said: dict[tuple[str, str], float] = {}

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == log.name or self._is_news(record):
            self._write(self.format(record))

    def _is_news(self, record: logging.LogRecord) -> bool:
        """Whether this kind of line, of which a client has a fixed number, was not said for a while."""
        kind = (record.name, str(record.msg))
        is_news = record.created - self._said.get(kind, -QUIET_S) >= QUIET_S
        if is_news:
            self._said[kind] = record.created
        return is_news


def _silence_stdout() -> None:
    """Let the interpreter's last flush go nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())

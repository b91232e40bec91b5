"""The client of one process: requests that get lost, are answered twice or come late, and are tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from service.streams import kafka_common as common
from service.streams.kafka_common import TIMEOUT_S
from tests.faults.simulation.broker import Broker
from tests.faults.simulation.plan import Fault
from tests.faults.simulation.process import Outsider
from tests.faults.simulation.refusals import RETRIED, Refused

Answer = TypeVar("Answer")

ATTEMPT_S = 0.5
RETRY_S = 0.005


class _Lost(Exception):
    """No answer came to one attempt."""


class Client:
    """Asks the broker on behalf of a process."""

    client = "simulated"
    servers = "simulation"
    max_record_bytes = common.MAX_RECORD_BYTES

    def __init__(self, broker: Broker, process: Outsider) -> None:
        self.broker = broker
        self.process = process
        self.clock = broker.clock
        self.disconnections = 0

    @contextmanager
    def telling(self, subject: str = "") -> Iterator[None]:
        """Turn refusals into the service's errors."""
        try:
            yield
        except Refused as refused:
            raise common.told(self.servers, refused.name, f"{subject}: {refused.detail}") from None

    def ask(self, point: str, request: Callable[[], Answer], patience_s: float = TIMEOUT_S) -> Answer:
        """Send a request until it is answered; no answer at all is a timeout."""
        deadline = self.clock.now + patience_s
        while True:
            fault = self.process.step(point)
            try:
                return self._attempt(request, fault)
            except _Lost:
                self.disconnections += 1
            except Refused as refused:
                if refused.name not in RETRIED:
                    raise
            if self.clock.now > deadline:
                raise Refused("KafkaTimeoutError", f"no answer to {point!r} for {patience_s:g} s")
            self.process.sleep(RETRY_S)

    def _attempt(self, request: Callable[[], Answer], fault: Fault | None) -> Answer:
        if self.process.is_silent:
            self.process.sleep(ATTEMPT_S)
            raise _Lost
        if fault is None:
            return request()
        return FAULTS[fault.kind](self, request, fault.amount)

    def deliver(self, request: Callable[[], Any]) -> None:
        """Let a request take effect whose answer nobody will see."""
        with suppress(Refused):
            request()

    # Faults, by what they do to one attempt

    def _lose_request(self, request: Callable[[], Any], amount: float) -> Any:
        raise _Lost

    def _lose_reply(self, request: Callable[[], Any], amount: float) -> Any:
        self.deliver(request)
        raise _Lost

    def _delay(self, request: Callable[[], Any], amount: float) -> Any:
        self.clock.later(amount**2, lambda: self.deliver(request))
        raise _Lost

    def _cut(self, request: Callable[[], Any], amount: float) -> Any:
        self.process.silence(20.0 * amount**2)
        raise _Lost

    def _deliver_and_cut(self, request: Callable[[], Any], amount: float) -> Any:
        self.deliver(request)
        return self._cut(request, amount)

    def _delay_and_cut(self, request: Callable[[], Any], amount: float) -> Any:
        self.clock.later(30.0 * amount**2, lambda: self.deliver(request))
        return self._cut(request, 1.0)

    def _deliver_and_die(self, request: Callable[[], Any], amount: float) -> Any:
        self.deliver(request)
        self.process.die()
        self.process.step("dying")

    def _answer_slowly(self, request: Callable[[], Any], amount: float) -> Any:
        """Take an unusual time, without a disconnect, and come a second time later."""
        self.process.sleep(1.1 + 3 * amount)
        self.clock.later(amount**2 / 4, lambda: self.deliver(request))
        return request()

    def _time_out(self, request: Callable[[], Any], amount: float) -> Any:
        """Be given up at once; whether it takes effect, before long, is another matter."""
        if amount > 0.3:
            self.clock.later(2 * (amount - 0.3), lambda: self.deliver(request))
        raise Refused("KafkaTimeoutError", "no answer, by the plan")

    def _expire(self, request: Callable[[], Any], amount: float) -> Any:
        raise Refused("KafkaTimeoutError", "the batch expired, by the plan")


FAULTS: dict[str, Callable[[Client, Callable[[], Any], float], Any]] = {
    "request lost": Client._lose_request,
    "reply lost": Client._lose_reply,
    "request late": Client._delay,
    "cut off": Client._cut,
    "cut off after delivery": Client._deliver_and_cut,
    "cut off, delivered late": Client._delay_and_cut,
    "kill after delivery": Client._deliver_and_die,
    "end slow and repeated": Client._answer_slowly,
    "end lost": Client._time_out,
    "batch expired": Client._expire,
}
"""What each kind of fault does to the attempt that it strikes; the other kinds leave it alone."""

"""The group coordinator: seats, generations, sessions, and the range assignor."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from service.streams.port import Partition
from service.streams.sqlite_membership import ranged
from tests.faults.simulation.clock import Clock
from tests.faults.simulation.process import Outsider
from tests.faults.simulation.refusals import Refused

REBALANCE_TIMEOUT_S = 30.0
NO_GENERATION = -1


@dataclass(slots=True)
class Member:
    """A seat: its client, and whether it takes part in the generation that is coming."""

    id: str
    client_id: str
    instance_id: str
    process: Outsider
    session_s: float
    has_joined: bool = False
    assigned: frozenset[int] = frozenset()

    @property
    def rank(self) -> tuple[bool, str]:
        """Static members first, by their instance; then the others, by client id, which tells their age."""
        return not self.instance_id, self.instance_id or self.id


class Group:
    """One group over the partitions of one topic."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._members: dict[str, Member] = {}
        self._count = 0
        self._width: Callable[[], int] = lambda: 0
        self._offsets: dict[Partition, int] = {}
        self._is_rebalancing = False
        self.generation = 0
        self.strangers = 0  # who were taken without a seat
        self.changed_at = 0.0

    # Seats

    def join(
        self, process: Outsider, client_id: str, instance_id: str, session_s: float, width: Callable[[], int]
    ) -> str:
        """Take a seat, or again the one that the client has; return the member's id."""
        self._width = width
        known = next((m for m in self._members.values() if m.client_id == client_id), None)
        if known is None:
            self._count += 1
            known = Member(f"{client_id}-{self._count}", client_id, instance_id, process, session_s)
            before = self._take_over(known)
            self._members[known.id] = known
            process.on_silence.append(partial(self._watch, known))
            if before:
                return known.id  # a static member keeps its seat, and nobody else is disturbed
            self._rebalance()
        self.rejoin(known.id, instance_id)
        return known.id

    def _take_over(self, newcomer: Member) -> bool:
        """Put a static member in the place of the one of its instance; whether that left all as it was."""
        for old in self._members.values():
            if newcomer.instance_id and old.instance_id == newcomer.instance_id:
                del self._members[old.id]
                newcomer.assigned = old.assigned
                newcomer.has_joined = not self._is_rebalancing
                return newcomer.has_joined
        return False

    def rejoin(self, id: str, instance_id: str) -> None:
        """Take part in the next generation."""
        self._known(id, instance_id).has_joined = True
        self._complete_once_all_have_joined()

    def seat(self, id: str, instance_id: str) -> tuple[int, frozenset[int]] | None:
        """Return the generation and what the member is assigned; None while that is being made out."""
        member = self._known(id, instance_id)
        return None if self._is_rebalancing else (self.generation, member.assigned)

    def check(self, id: str, instance_id: str, generation: int) -> None:
        """Refuse an identity that is not current; one without any passes, as a simple consumer's does."""
        if generation == NO_GENERATION and not id:
            self.strangers += 1
            return
        self._known(id, instance_id)
        if generation != self.generation:
            raise Refused("ILLEGAL_GENERATION", f"{generation}; it is {self.generation} by now")

    def has_news(self, id: str, generation: int) -> bool:
        """Whether the next heartbeat will be told of a change."""
        return id not in self._members or self._is_rebalancing or generation != self.generation

    def leave(self, id: str) -> None:
        """Give up a seat."""
        if self._members.pop(id, None):
            self._rebalance()

    def _known(self, id: str, instance_id: str) -> Member:
        if id in self._members:
            return self._members[id]
        taken = instance_id and any(m.instance_id == instance_id for m in self._members.values())
        raise Refused("FENCED_INSTANCE_ID" if taken else "UNKNOWN_MEMBER_ID", id)

    # What happens by itself, or to it

    def stir(self) -> None:
        """Have everyone join anew, as a newcomer, or one who changes its mind, makes them."""
        if self._members:
            self._rebalance()

    def forget(self, place: float) -> None:
        """Lose a seat, as a coordinator does that moves; ``place`` from 0 to 1 says whose."""
        if self._members:
            number = min(int(place * len(self._members)), len(self._members) - 1)
            self.leave(list(self._members)[number])

    def _watch(self, member: Member) -> None:
        self._clock.later(member.session_s, partial(self._lapse, member))

    def _lapse(self, member: Member) -> None:
        process = member.process
        if process.is_silent and self._clock.now - process.silent_since >= member.session_s - 1e-6:
            self.leave(member.id)

    def _rebalance(self) -> None:
        self._is_rebalancing = True
        self.changed_at = self._clock.now
        for member in self._members.values():
            member.has_joined = False
        self._clock.later(REBALANCE_TIMEOUT_S, partial(self._give_up_on_the_missing, self.generation))

    def _give_up_on_the_missing(self, generation: int) -> None:
        if self._is_rebalancing and generation == self.generation:
            self._members = {id: member for id, member in self._members.items() if member.has_joined}
            self._complete_once_all_have_joined()

    def _complete_once_all_have_joined(self) -> None:
        if not self._is_rebalancing or not all(member.has_joined for member in self._members.values()):
            return
        self._is_rebalancing = False
        self.generation += 1
        self.changed_at = self._clock.now
        ranked = sorted(self._members.values(), key=lambda member: member.rank)
        for place, member in enumerate(ranked):
            member.assigned = ranged(self._width(), len(ranked), place)

    # Offsets

    def commit(self, offsets: Mapping[Partition, int]) -> None:
        """Store offsets."""
        self._offsets.update(offsets)

    def committed(self, topic: str) -> dict[int, int]:
        """Return the committed positions in a topic by partition."""
        return {number: offset for (name, number), offset in self._offsets.items() if name == topic}


class Groups(defaultdict[str, Group]):
    """Groups come into being on first use."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(lambda: Group(clock))

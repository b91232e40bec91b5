"""What befalls the world, or one of its processes, where the fault is not one of a request."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from tests.faults.simulation.process import Killed, Process

if TYPE_CHECKING:
    from tests.faults.simulation.world import World


def kill(world: World, process: Process, amount: float) -> None:
    """End a process at once."""
    process.die()
    raise Killed


def stop(world: World, process: Process, amount: float) -> None:
    """Ask a process to end, as a rolling restart does."""
    if process.number in world.living:
        world.living[process.number][1].stop()


def freeze(world: World, process: Process, amount: float) -> None:
    """Stop a process, for as long as several sessions, or as a transaction's timeout."""
    process.freeze(35.0 if amount > 0.95 else 8.0 * amount**2)


def delay_markers(world: World, process: Process, amount: float) -> None:
    """Let the markers of the next transaction take their time."""
    world.broker.transactions.marker_delay_s = 3.0 * amount


def rebalance(world: World, process: Process, amount: float) -> None:
    """Have the group share out anew."""
    world.group.stir()


def forget_seat(world: World, process: Process, amount: float) -> None:
    """Have the group forget a member."""
    world.group.forget(amount)


def compact(world: World, process: Process, amount: float) -> None:
    """Compact the model topic, up to somewhere."""
    log = world.broker.log((world.settings.topics.model, 0))
    log.compact(int(log.end * amount) + 1)


def cut_input(world: World, process: Process, amount: float) -> None:
    """Remove input that was learned."""
    learned = world.group.committed(world.settings.topics.samples).get(0, 0)
    world.broker.log((world.settings.topics.samples, 0)).cut(int(learned * amount))


def reset_offsets(world: World, process: Process, amount: float) -> None:
    """Reset the group's offsets, as a tool may: the head stays the truth, the next commit mends it."""
    learned = world.group.committed(world.settings.topics.samples)
    if 0 < learned.get(0, 0) < world.plan.records:
        world.group.commit({(world.settings.topics.samples, 0): int(learned[0] * amount)})


ACTS: dict[str, Callable[[World, Process, float], None]] = {
    "kill": kill,
    "stop": stop,
    "freeze": freeze,
    "markers late": delay_markers,
    "rebalance": rebalance,
    "seat lost": forget_seat,
    "compaction": compact,
    "retention": cut_input,
    "offsets reset": reset_offsets,
}
"""By kind of fault; the other kinds befall the request at which they strike."""

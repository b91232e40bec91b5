"""The samples topic as the engine sees it: which partitions, from where, and how far behind."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping

from service.errors import OffsetGone
from service.settings import Settings
from service.streams.port import Batch, Partition, Stream

log = logging.getLogger("perceptron")

POLL_S = 0.2
RELIST_S = 5.0
ENDS_S = 1.0
HIDDEN_S = 10.0


class Input:
    """Reads the samples of all partitions from given positions."""

    def __init__(self, stream: Stream, settings: Settings) -> None:
        self._stream = stream
        self._topic = settings.topics.samples
        self._model_topic = settings.topics.model
        self._group = settings.group
        self._engine = settings.engine
        self._reader = stream.reader()
        self._positions: dict[Partition, int] = {}
        self._ends: dict[Partition, int] = {}
        self._listed_at = self._ends_at = 0.0
        self._listed = (0, "", "")
        self._moved_at = time.monotonic()

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()

    def seek(self, known: Mapping[Partition, int]) -> dict[Partition, int]:
        """Go to the known positions, and to the first offsets of other partitions; return them all.

        Raises
        ------
        OffsetGone
            A known position is not there any more, and ``engine.on_gap`` says to fail; or it never was.
        """
        self._positions = {partition: self._start(partition, known) for partition in self._partitions()}
        if lost := sorted(known.keys() - self._positions.keys()):
            raise OffsetGone(f"partitions {lost} were learned from, but are gone: was the topic made anew?")
        self._reader.seek(self._positions)
        self._listed_at = self._moved_at = time.monotonic()
        self._listed = self._list()
        return self._positions

    def topic_ids(self, known: Mapping[str, str]) -> dict[str, str]:
        """Return the ids of the topics that are read; those that are known must still be the same.

        Raises
        ------
        OffsetGone
            A topic was made anew: the known positions count the records of another.
        """
        found = self._stream.topic_id(self._topic)
        if found and known.get(self._topic, found) != found:
            raise OffsetGone(
                f"topic {self._topic!r} was deleted and made anew since the model learned from it (the id "
                f"was {known[self._topic]}, now it is {found}): start anew with --reset-model --from first"
            )
        return {self._topic: found} if found else dict(known)

    def has_changed(self) -> bool:
        """Whether there are new partitions, or a topic was made anew; looked up every five seconds.

        Raises
        ------
        TopicMissing
            It was deleted, which kafka-python does not tell whoever reads it.
        """
        if time.monotonic() - self._listed_at < RELIST_S:
            return False
        self._listed_at = time.monotonic()
        return self._list() != self._listed

    def poll(self, waits: bool = True) -> list[Batch]:
        """Return up to ``engine.max_batch`` records; with ``waits``, wait a moment for the first.

        Raises
        ------
        OffsetGone
            Retention overtook the reader.
        """
        batches = self._reader.poll(self._engine.max_batch, POLL_S if waits else 0.0)
        if batches or time.monotonic() - self._moved_at > HIDDEN_S:
            self._moved_at = time.monotonic()
            if not batches:
                self._tell_what_is_hidden()
        return batches

    def _tell_what_is_hidden(self) -> None:
        """Say whose open transaction hides records that are there; its end is all there is to wait for."""
        for partition, end in self.ends().items():
            if (position := self._reader.position(partition)) < end:
                opened = self._stream.open_transactions(partition) or "none that is known"
                where = {"topic": partition[0], "partition": partition[1], "offset": position}
                log.warning(
                    "topic %r, partition %d: offsets %d to %d have been out of reach for %g s; open "
                    "transactions: %s; learning goes on when they end",
                    *(*partition, position, end - 1, HIDDEN_S, opened),
                    extra=where,
                )

    def ends(self) -> dict[Partition, int]:
        """Return the ends of all partitions."""
        return {partition: self._stream.end_offset(partition) for partition in self._partitions()}

    def has_reached(self, ends: Mapping[Partition, int]) -> bool:
        """Whether everything committed below these ends was polled, by position, past any markers."""
        return all(self._reader.position(partition) >= end for partition, end in ends.items())

    def lags(self) -> dict[Partition, int]:
        """Return the offsets left to the end of each partition; the ends are looked up once a second."""
        if time.monotonic() - self._ends_at >= ENDS_S:
            self._ends = {place: self._stream.end_offset(place) for place in self._positions}
            self._ends_at = time.monotonic()
        return {place: max(0, end - self._reader.position(place)) for place, end in self._ends.items()}

    def committed(self) -> dict[Partition, int]:
        """Return the positions that the group has committed, for lag tools and for a model without a head."""
        offsets = self._stream.group_offsets(self._group, self._topic)
        return {(self._topic, number): offset for number, offset in offsets.items()}

    def _list(self) -> tuple[int, str, str]:
        """Return what a takeover answers to when it changes: by new partitions, or by refusing to go on."""
        topic_id = self._stream.topic_id
        return len(self._partitions()), topic_id(self._topic), topic_id(self._model_topic)

    def _partitions(self) -> list[Partition]:
        return [(self._topic, number) for number in range(self._stream.partitions(self._topic))]

    def _start(self, partition: Partition, known: Mapping[Partition, int]) -> int:
        """Return where to start reading a partition."""
        first = self._stream.first_offset(partition)
        position = known.get(partition, first)
        where = f"topic {partition[0]!r}, partition {partition[1]}"
        if position > (end := self._stream.end_offset(partition)):
            raise OffsetGone(
                f"{where}: the model has learned up to offset {position}, the topic ends at {end}: "
                "was it made anew? Start anew with --reset-model --from first"
            )
        if position >= first:
            return position
        gap = f"{where}: offsets {position} to {first - 1} were removed before they were learned"
        if self._engine.on_gap == "fail":
            raise OffsetGone(f'{gap}. Go on behind them with engine.on_gap = "skip"')
        at = {"topic": partition[0], "partition": partition[1], "offset": position}
        log.warning("%s; going on behind them", gap, extra=at)
        return first

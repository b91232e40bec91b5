"""Dead letters back into the samples topic, exactly once.

The position in the dead-letter topic is the offset of a group of its own, and moves in the transaction that
writes the records: whatever happens in between, a letter is replayed once or not at all. A letter that is
passed over - another reason was asked for, or its record would be refused again - is written to the end of
the dead letters in that same transaction, so that what lies behind the position is what is still open.

Do: move records, whole transactions at a time. Do not: judge a record by other rules than the learner's.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing

from service.commands.consume import committed
from service.errors import PerceptronError
from service.letters import Letter, letters_of, open_from, replay_group
from service.records import Decoder
from service.settings import Settings
from service.streams.port import CommitFailed, Header, Membership, Output, Partition, Stream

CHUNK = 1000
SEAT_S = 30.0

Place = tuple[int, int]


class Replay:
    """One pass over the open letters.

    Parameters
    ----------
    stream, settings
        The learner's.
    repairs
        New values by (partition, offset) of the letter.
    is_wanted
        Which letters to replay.
    """

    def __init__(
        self,
        stream: Stream,
        settings: Settings,
        repairs: Mapping[Place, bytes],
        is_wanted: Callable[[Letter], bool],
    ) -> None:
        self._stream = stream
        self._settings = settings
        self._repairs = repairs
        self._is_wanted = is_wanted
        self._decoder = Decoder(settings)
        self._widths = {t: stream.partitions(t) for t in (settings.topics.samples, settings.topics.dlq)}

    def run(self) -> Counter[str]:
        """Replay what can be; return how many letters were ``replayed``, ``refused`` again, ``passed over``.

        Raises
        ------
        PerceptronError
            Another replay is under way, or a transaction failed; those before it are done. Run it again.
        """
        counts: Counter[str] = Counter()
        group, topic = replay_group(self._settings), self._settings.topics.dlq
        with self._stream.join(group, self._settings.topics.model) as seat:
            _take_seat(seat)
            with closing(self._stream.fence(group)) as writer:
                start = open_from(self._stream, self._settings)
                for batch in committed(self._stream, topic, at_most=CHUNK, start=start):
                    seat.poll()
                    outputs, fates = self._outputs(list(letters_of(batch)))
                    behind = {(batch.topic, batch.partition): batch.offsets[-1] + 1}
                    try:
                        writer.commit(outputs, behind, seat)
                    except CommitFailed as error:
                        raise PerceptronError(
                            f"the replay stopped after {counts.total()} letters ({error}); run it again: "
                            "nothing is written twice"
                        ) from None
                    counts += fates
        return counts

    def _outputs(self, letters: list[Letter]) -> tuple[list[Output], Counter[str]]:
        """Return what a transaction writes for these letters, and what becomes of how many."""
        counts: Counter[str] = Counter()
        outputs: dict[Partition, Output] = {}
        topics = self._settings.topics
        for letter in letters:
            value = self._repairs.get((letter.partition, letter.offset), letter.value)
            fate = self._fate(letter, value)
            counts[fate] += 1
            if fate == "replayed":
                number = int(letter.error["partition"]) % self._widths[topics.samples]
                _add(outputs, (topics.samples, number), letter.key, value, letter.history())
            else:
                _add(outputs, (topics.dlq, letter.partition), letter.key, letter.value, letter.headers)
        return list(outputs.values()), counts

    def _fate(self, letter: Letter, value: bytes | None) -> str:
        if not self._is_wanted(letter):
            return "passed over"
        is_repaired = (letter.partition, letter.offset) in self._repairs
        if not (letter.is_whole or is_repaired):
            return "refused"
        rejected = self._decoder.decode([value]).rejections
        return "refused" if rejected else "replayed"


def _take_seat(seat: Membership) -> None:
    """Wait until the one seat is ours; it is over the model topic, as a seat's own topic has no position."""
    deadline = time.monotonic() + SEAT_S
    while not (seat.poll() and seat.prove()):
        if time.monotonic() > deadline:
            raise PerceptronError("another replay of this model is under way: wait for it to end")
        time.sleep(0.01)


def _add(
    outputs: dict[Partition, Output],
    place: Partition,
    key: bytes | None,
    value: bytes | None,
    headers: Sequence[Header],
) -> None:
    output = outputs.setdefault(place, Output(*place, [], [], []))
    for column, cell in ((output.keys, key), (output.values, value), (output.headers, headers)):
        column.append(cell)  # type: ignore[union-attr]

"""The model topic: records of real logs, spoilt, lost, doubled, in another order, or forged with care."""

from __future__ import annotations

import random
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec
import numpy as np

from service.errors import ConfigurationError, Damaged
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import FORMAT, HEAD, new_head, state_records
from service.settings import Settings
from service.streams.port import Batch, Partition
from tests.corpus import cases as corpus
from tests.faults.fuzzing.mutations import DOUBLES, pick, smaller_list, spoilt_bytes, spoilt_tree
from tests.faults.fuzzing.target import Target, Wrong

Record = tuple[bytes | None, bytes | None]
Case = tuple[int, bool, list[Record]]
"""Which log it is made of, whether checksums were made to fit, and what is in the topic."""

CHOSEN = [
    Settings.model_validate({"model": {"name": "fuzz", **more}})
    for more in (
        {"learning_rate": 0.1},
        {"learning_rate": "auto"},
        {"learning_rate": 0.1, "optimizer": "adam", "scale": "robust", "hash_bits": 5},
        {"learning_rate": 0.1, "interactions": [["n1", "n*"]], "scale": False, "metrics": ["ROCAUC", "F1"]},
        {"pipeline": "tests.faults.fuzzing.pipelines:logistic"},
        {"pipeline": "tests.faults.fuzzing.pipelines:mixed"},
    )
]
KEYS: list[bytes | None] = [
    None, b"", b"head", b"block/0", b"block/1", b"block/2", b"block/00", b"block/-1", b"block/" + b"9" * 30,
    b"block/" + b"9" * 5000, b"block/1152921504606846976", b"names/0", b"names/1", b"names/x", b"block/",
    b"\xff", b"names/\xc2\xb2", b"block/\xb2", b"x",
]  # fmt: skip
_READ = re.compile(r"(\d+) features with hash ([0-9a-f]{32}) were read")
_SAMPLE = {"n1": 1.0, "country": "FR", "new": -2.0}


class Log:
    """What a learner of one configuration wrote, commit by commit."""

    def __init__(self, chosen: Settings, commits: int = 4) -> None:
        self.settings = chosen
        self.learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})
        self.records: list[Record] = []
        self.heads: set[bytes] = set()
        values = [case.value for case in corpus(60 * commits, seed=3)]
        for number in range(commits):
            self._commit(number, values[60 * number : 60 * (number + 1)])

    def _commit(self, number: int, values: list[bytes | None]) -> None:
        offsets = range(60 * number, 60 * number + len(values))
        nothing = [None] * len(values)
        self.learner.process(
            Batch(self.settings.topics.samples, 0, offsets, nothing, values, [()] * len(values))
        )
        head = new_head(self.learner, self.settings, "life", number + 1, "attempt")
        output = state_records(self.learner.model, head, ("model", 0))
        self.records += zip(output.keys, output.values, strict=True)
        self.heads.add(output.values[-1] or b"")
        self.learner.commit()


class Topic:
    """A stream of one partition with given records."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records
        self._position = 0

    def reader(self) -> Topic:
        return self

    def close(self) -> None:
        pass

    def seek(self, positions: Mapping[Partition, int]) -> None:
        self._position = next(iter(positions.values()))

    def first_offset(self, partition: Partition) -> int:
        return 0

    def end_offset(self, partition: Partition) -> int:
        return len(self._records)

    def topic_id(self, topic: str) -> str:
        return "id"

    def position(self, partition: Partition) -> int:
        return self._position

    def poll(self, max_records: int, timeout_s: float) -> list[Batch]:
        keys, values = [key for key, _ in self._records], [value for _, value in self._records]
        self._position = len(self._records)
        return [Batch("model", 0, range(len(keys)), keys, values, [()] * len(keys))]


class ModelLogs(Target):
    """Any records in a model topic: the right model, or a reason why there is none."""

    name = "model log"

    @cached_property
    def _logs(self) -> list[Log]:
        return [Log(chosen) for chosen in CHOSEN]

    def begin(self) -> None:
        """Nothing is kept from case to case."""

    def cases(self, source: random.Random) -> Iterator[Case]:
        """Yield topics."""
        while True:
            chosen = int(source.random() * len(CHOSEN))
            records, forged = list(self._logs[chosen].records), False
            for _ in range(int(source.random() * 3)):
                records = self._rearranged(source, records)
            for _ in range(int(source.random() * 3)):
                at = int(source.random() * len(records)) if records else 0
                if records and records[at][1] is not None:
                    way = pick(source, WAYS)
                    forged |= way not in (_spoilt, _other_frame)
                    records[at] = records[at][0], way(source, records[at][1] or b"")
            yield chosen, forged, records

    def _rearranged(self, source: random.Random, records: list[Record]) -> list[Record]:
        if not records:
            return records
        at, other = (int(source.random() * len(records)) for _ in range(2))
        way = int(source.random() * 7)
        if way == 0:
            return records[:at]
        if way == 1:
            return records[:at] + records[at + 1 :]
        if way == 2:
            return [*records[:at], records[other], *records[at:]]
        if way == 3:
            return [*records[:at], (pick(source, KEYS), records[at][1]), *records[at + 1 :]]
        if way == 4:
            return [*records[:at], (records[at][0], None), *records[at + 1 :]]
        if way == 5:
            return [*records[:at], (records[at][0], records[other][1]), *records[at + 1 :]]
        return records + pick(source, self._logs).records[at:]

    def outcomes(self, case: Case) -> Iterable[str]:
        """Return what reading it comes to: the right model, a forged but sound one, or why none."""
        chosen, forged, records = case
        log = self._logs[chosen]
        log.learner.restart()
        outcome, detail = self._read(log, records, forged)
        if found := _READ.search(detail):  # it would fit but for the hash: forge that, too
            records = _with_head(records, int(found[1]), found[2])
            outcome, detail = self._read(log, records, True)
        return [outcome]

    def _read(self, log: Log, records: list[Record], forged: bool) -> tuple[str, str]:
        topic = ModelLog(Topic(records), log.settings)  # type: ignore[arg-type]
        try:
            head = topic.catch_up(log.learner)
        except (Damaged, ConfigurationError) as error:
            if "model topic 'fuzz.model'" not in str(error) and "pickle" not in str(error):
                raise Wrong(f"{error} does not say where") from None
            return type(error).__name__, str(error)
        if head is None:
            return "no model", ""
        if not forged and not log.heads & {value for _, value in records}:
            raise Wrong("a model, and no head of it in the topic")
        _check_sound(log.learner)
        return "forged, sound" if forged else "the right model", ""

    def smaller(self, case: Case) -> Iterator[Case]:
        """Leave out records; frames without a part would fail for another reason."""
        chosen, forged, records = case
        return ((chosen, forged, fewer) for fewer in smaller_list(records))


def _check_sound(learner: Learner) -> None:
    """Raise where a model that was read has a number that is not finite, or can't go on."""
    model = learner.model
    if model.n_features:
        blocks = [np.frombuffer(model.block(number)) for number in range(-(-model.n_features // 256))]
        if not np.isfinite(np.concatenate([model.scalars(), *blocks])).all():
            raise Wrong("a number that is not finite was read")
    for label in (1.0, 0.0):
        (predicted,) = model.predict_learn_many([_SAMPLE], np.array([label]), [1.0], [])
        if not (predicted != predicted or 0 <= predicted <= 1):
            raise Wrong(f"the model that was read predicts {predicted}")
    learner.metric_values()
    learner.rollback()


def _framed(body: bytes) -> bytes:
    return msgspec.msgpack.encode([FORMAT, zlib.crc32(body), body])


def _spoilt(source: random.Random, value: bytes) -> bytes:
    return spoilt_bytes(source, value, DOUBLES)


def _body(value: bytes) -> bytes:
    try:
        return bytes(msgspec.msgpack.decode(value)[2])
    except Exception:  # it was spoilt before
        return b""


def _other_frame(source: random.Random, value: bytes) -> bytes:
    try:
        return msgspec.msgpack.encode(spoilt_tree(source, msgspec.msgpack.decode(value)))
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError):
        return value


def _forged_body(source: random.Random, value: bytes) -> bytes:
    return _framed(spoilt_bytes(source, _body(value), DOUBLES))


def _forged_tree(source: random.Random, value: bytes) -> bytes:
    try:
        tree = msgspec.msgpack.decode(_body(value))
        return _framed(msgspec.msgpack.encode(spoilt_tree(source, tree)))
    except (msgspec.MsgspecError, ValueError, TypeError, OverflowError):
        return _framed(_body(value))


WAYS = [_spoilt, _other_frame, _forged_body, _forged_tree, _forged_tree, _forged_tree]


def _with_head(records: list[Record], features: int, hash: str) -> list[Record]:
    """Return records whose last head says what was read."""
    at = max(at for at, (key, value) in enumerate(records) if key == HEAD and value is not None)
    head: Any = msgspec.msgpack.decode(_body(records[at][1] or b""))
    body = msgspec.msgpack.encode({**head, "features": features, "hash": hash})
    return [*records[:at], (HEAD, _framed(body)), *records[at + 1 :]]

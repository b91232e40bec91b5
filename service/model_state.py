"""A learner's committed state as records of the model topic, and back.

Keys: ``head``, ``block/<n>``, ``names/<n>``. Values: MessagePack ``[format, crc32, body]``; arrays as raw
little-endian doubles. The head is the last record of each commit and says what the whole must hash to.

Do: know what the records mean. Do not: read or write them.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

import msgspec

from perceptron_core import Perceptron
from service.errors import ConfigurationError, Damaged
from service.learner import Learner, Position
from service.pipelines.model import PipelineModel
from service.settings import Settings
from service.streams.port import Output, Partition

FORMAT: Final = 1
HEAD: Final = b"head"
_PART: Final = re.compile(rb"(block|names)/([0-9]{1,9})")

_Body = TypeVar("_Body")


class Head(msgspec.Struct, frozen=True):
    """The record that closes each commit."""

    model: str  # its name
    model_id: str  # one per life of the model; blocks of another id are ignored
    sequence: int  # of the commit
    attempt: str  # random, one per time that the writer was fenced: for diagnosis
    fingerprint: dict[str, Any]
    shards: int
    version: int
    features: int
    scalars: list[float]
    hash: str
    next_offsets: dict[str, dict[int, int]]
    predicted: int
    rejected: dict[str, int]
    metrics: list[float]
    river_metrics: bytes
    topic_ids: dict[str, str] = {}  # of the samples, whose offsets next_offsets are, and of the model's own


class _Block(msgspec.Struct, frozen=True):
    model_id: str
    rows: bytes


class _Names(msgspec.Struct, frozen=True):
    model_id: str
    names: list[tuple[Any, ...]]


def new_head(learner: Learner, settings: Settings, model_id: str, sequence: int, attempt: str) -> Head:
    """Return the head for the working state of ``learner``."""
    position, model = learner.position, learner.model
    return Head(
        model=settings.model.name,
        model_id=model_id,
        sequence=sequence,
        attempt=attempt,
        fingerprint=settings.fingerprint,
        shards=1,
        version=model.version,
        features=model.n_features,
        scalars=model.scalars(),
        hash=model.hash(),
        next_offsets=position.to_wire(),
        predicted=position.predicted,
        rejected=dict(position.rejected),
        metrics=learner.metrics.state(),
        river_metrics=learner.river_metrics.state(),
        topic_ids=dict(position.topic_ids),
    )


def state_records(model: Perceptron | PipelineModel, head: Head, log: Partition) -> Output:
    """Return the changed names and blocks of the working state, with the head behind them."""
    records: dict[bytes, bytes] = {}
    grown = set(model.grown_blocks())
    for number in model.dirty_blocks():
        if number in grown:
            records[b"names/%d" % number] = _frame(_Names(head.model_id, model.names(number)))
        records[b"block/%d" % number] = _frame(_Block(head.model_id, model.block(number)))
    records[HEAD] = _frame(head)
    return Output(*log, keys=list(records), values=list(records.values()))


def reset_records(
    old_keys: Iterable[bytes], parts: Mapping[bytes, bytes], head: Head, log: Partition
) -> Output:
    """Return tombstones for an old model, with the parts of the new one and its head behind them."""
    records: dict[bytes, bytes | None] = dict.fromkeys(old_keys)
    records |= parts
    records[HEAD] = _frame(head)
    return Output(*log, keys=list(records), values=list(records.values()))


def parts_of(records: Mapping[bytes, bytes], model_id: str, new_id: str = "") -> dict[bytes, bytes]:
    """Return the blocks and names of one life of a model, as those of another where one is given.

    Raises
    ------
    Damaged
        A record is none of a model.
    """
    kinds: dict[bytes, type[_Block | _Names]] = {b"block": _Block, b"names": _Names}
    parts = {}
    for key in [key for key in records if _PART.fullmatch(key)]:
        body = _unframe(records[key], kinds[key.partition(b"/")[0]])
        if body.model_id == model_id:
            parts[key] = _frame(msgspec.structs.replace(body, model_id=new_id or model_id))
    return parts


def restored(records: Mapping[bytes, bytes], settings: Settings, learner: Learner, where: str) -> Head:
    """Lay the records of a whole model over ``learner``, and return its head.

    Raises
    ------
    Damaged
        They do not add up.
    ConfigurationError
        They are of the model of another configuration.
    """
    state = ModelState(settings, (where, 0))
    for key, value in records.items():
        state.take(key, value)
    if (head := state.apply(learner)) is None:
        raise Damaged(f"{where}: there is no model in it")
    return head


def _frame(body: msgspec.Struct) -> bytes:
    encoded = msgspec.msgpack.encode(body)
    return msgspec.msgpack.encode([FORMAT, zlib.crc32(encoded), encoded])


def _unframe(value: bytes, kind: type[_Body]) -> _Body:
    """Return the body of a framed value.

    Raises
    ------
    Damaged
        It is none, is of another format, or its checksum does not fit.
    """
    try:
        format, checksum, body = msgspec.msgpack.decode(value, type=tuple[int, int, bytes])
        if format != FORMAT:
            raise Damaged(f"format {format}; this version reads format {FORMAT}")
        if zlib.crc32(body) != checksum:
            raise Damaged("its checksum does not fit")
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Damaged(f"not a record of a model log: {error}") from None


class ModelState:
    """What was read of a model topic's partition, and what of it was applied to a learner.

    Parameters
    ----------
    settings
        Checked settings; a stored model of another configuration is refused.
    partition
        Where the records come from.
    on_applied
        Called with the records that a learner has taken over, by key.
    """

    def __init__(
        self,
        settings: Settings,
        partition: Partition,
        on_applied: Callable[[Mapping[bytes, bytes]], None] = lambda records: None,
    ) -> None:
        self.partition = partition
        self.head: Head | None = None
        self._settings = settings
        self._on_applied = on_applied
        self._news: dict[bytes, bytes] = {}  # the latest value by key, read but not applied
        self._applied_keys: set[bytes] = set()

    @property
    def has_news(self) -> bool:
        """Whether something was read that no learner has taken over yet."""
        return bool(self._news)

    def adopt(self, settings: Settings) -> None:
        """Hold the records to other settings, such as those that its own head names."""
        self._settings = settings

    def take(self, key: bytes | None, value: bytes | None) -> None:
        """Take a record in; without a value it is a tombstone."""
        key = key or b""
        self._news.pop(key, None)
        if value is None:
            self._applied_keys.discard(key)
        else:
            self._news[key] = value

    def apply(self, learner: Learner) -> Head | None:
        """Lay what was read over the committed state of ``learner``; None where nothing was ever read.

        Raises
        ------
        Damaged
            The records do not add up.
        ConfigurationError
            They are of the model of another configuration.
        """
        if HEAD not in self._news:
            if self._news:
                raise Damaged(f"{self._where()}: records but no head; is it the log of a model?")
            return self.head
        head = self._decode(HEAD, Head)
        _check_settings(head, self._settings, self._where())
        if self.head is None or head.model_id != self.head.model_id:
            learner.restart()
        try:
            self._load(learner, head)
        except Damaged:
            learner.rollback()
            raise
        learner.commit()
        self._applied_keys |= self._news.keys()
        self._on_applied(self._news)
        self._news = {}
        self.head = head
        return head

    def _load(self, learner: Learner, head: Head) -> None:
        model = learner.model
        try:
            model.load(head.version, head.scalars, self._blocks(head.model_id, model))
            learner.metrics.load(head.metrics)
            learner.river_metrics.load(head.river_metrics)
        except (ValueError, TypeError, OverflowError, msgspec.MsgspecError) as error:  # nothing is trusted
            raise Damaged(f"{self._where()}: {error}") from None
        offsets = Position.from_wire(head.next_offsets)
        topic_ids = dict(head.topic_ids)
        learner.position = Position(offsets, head.predicted, Counter(head.rejected), topic_ids)
        if (model.n_features, model.hash()) != (head.features, head.hash):
            raise Damaged(
                f"{self._where()}: {model.n_features} features with hash {model.hash()} were read; "
                f"the head of commit {head.sequence} says {head.features} with {head.hash}"
            )

    def _blocks(
        self, model_id: str, model: Perceptron | PipelineModel
    ) -> Iterator[tuple[int, list[tuple[Any, ...]], bytes]]:
        """Yield number, names and rows of each block of this life of the model, in order.

        One at a time: the names of a large model are many objects.
        """
        for number, keys in sorted(self._keys_by_block().items()):
            block = self._decode(keys[b"block"], _Block) if b"block" in keys else None
            named = self._decode(keys[b"names"], _Names) if b"names" in keys else None
            if block is None or block.model_id != model_id:
                continue
            entries = named.names if named is not None and named.model_id == model_id else []
            yield number, [_hashable(entry) for entry in entries] or model.names(number), block.rows

    def _keys_by_block(self) -> dict[int, dict[bytes, bytes]]:
        """Return the keys of blocks and names that were read, by number and kind."""
        found: dict[int, dict[bytes, bytes]] = {}
        for key in [key for key in self._news if key != HEAD]:
            if (part := _PART.fullmatch(key)) is None:
                raise Damaged(f"{self._where()}: key {key!r:.80} is none of a model log")
            found.setdefault(int(part[2]), {})[part[1]] = key
        return found

    def _decode(self, key: bytes, kind: type[_Body]) -> _Body:
        try:
            return _unframe(self._news[key], kind)
        except Damaged as error:
            raise Damaged(f"{self._where()}: {key.decode()}: {error}") from None

    def _where(self) -> str:
        return f"model topic {self.partition[0]!r}, partition {self.partition[1]}"

    def stored_keys(self) -> list[bytes]:
        """Return the keys that have to go when the model starts anew: all that were read but the head."""
        return sorted((self._applied_keys | self._news.keys()) - {HEAD})

    def stored_head(self) -> Head | None:
        """Return the head that was read last, of whichever configuration; None where it can't be read."""
        try:
            return self._decode(HEAD, Head) if HEAD in self._news else self.head
        except Damaged:
            return None


def _hashable(entry: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a feature's identity; MessagePack turns a tuple inside it into a list."""
    return tuple(tuple(part) if isinstance(part, list) else part for part in entry)


def _check_settings(head: Head, settings: Settings, where: str) -> None:
    """Raise unless the stored model is of these settings."""
    ours = {"model.name": settings.model.name, "shards": 1, **settings.fingerprint}
    stored = {"model.name": head.model, "shards": head.shards, **head.fingerprint}
    changed = [
        f"{name} is {ours.get(name)!r}, the stored model has {stored.get(name)!r}"
        for name in sorted(ours.keys() | stored.keys())
        if ours.get(name) != stored.get(name)
    ]
    if changed:
        raise ConfigurationError(
            f"{where}: " + "; ".join(changed) + ". Go back to the stored value, choose another model.name, "
            "or start anew with --reset-model"
        )

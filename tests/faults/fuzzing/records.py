"""Values of records: the decoder's short ways against its careful one, and the model that learns of them."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np

from perceptron_core.kernel import Row
from service.careful import Careful, Rejected, target_of
from service.learner import Learner
from service.records import Decoder
from service.settings import Settings
from service.streams.port import Batch, Output
from tests.as_seen import as_seen
from tests.corpus import cases as corpus
from tests.faults.fuzzing.mutations import pick, smaller_bytes, smaller_list, spoilt_bytes
from tests.faults.fuzzing.samples import CHOSEN, TOKENS, sample
from tests.faults.fuzzing.target import Target, Wrong

Value = bytes | None

OF_THE_DECODER = {
    "empty", "not_json", "wrong_type", "missing_features", "bad_label", "bad_weight", "not_finite",
    "too_large",
}  # fmt: skip
OF_THE_MODEL = {"diverged", "too_many_features", "too_large", "bad_label", "bad_weight", "not_finite"}

_BATCHES = [(1, 0.7), (2, 0.3), (4, 0.1), (64, 0.02), (40, 0.3), (60, 0.6), (99, 0.2)]
"""How many values are handed over together, and how many of them are spoilt."""

_CORPUS = [case.value for case in corpus(400, seed=5) if case.value and len(case.value) < 5000]


class Records(Target):
    """Batches of values through decoder and learner; the careful way looks at each again."""

    name = "records"

    def __init__(self) -> None:
        self._sides = [Side(chosen) for chosen in CHOSEN]

    def begin(self) -> None:
        """Begin with untrained models."""
        for side in self._sides:
            side.learner.restart()

    def cases(self, source: random.Random) -> Iterator[tuple[int, list[Value]]]:
        """Yield batches: of sound records for the shortest way, of spoilt ones, and mixed."""
        while True:
            chosen = int(source.random() * len(CHOSEN))
            size, spoilt = pick(source, _BATCHES)
            yield chosen, [self._value(source, chosen, spoilt) for _ in range(size)]

    def _value(self, source: random.Random, chosen: int, spoilt: float) -> Value:
        value = pick(source, _CORPUS) if source.random() < 0.1 else sample(source, chosen, spoilt)
        if source.random() < spoilt:
            value = spoilt_bytes(source, value, TOKENS)
        return None if source.random() < 0.002 * spoilt else value

    def outcomes(self, case: tuple[int, list[Value]]) -> Iterable[str]:
        """Return accepted, or the reason of its rejection, for each value."""
        chosen, values = case
        return self._sides[chosen].outcomes(values)

    def smaller(self, case: tuple[int, list[Value]]) -> Iterator[tuple[int, list[Value]]]:
        """Leave out values, then parts of each."""
        chosen, values = case
        for fewer in smaller_list(values):
            yield chosen, fewer
        for row, value in enumerate(values):
            for shorter in smaller_bytes(value or b""):
                yield chosen, [*values[:row], shorter, *values[row + 1 :]]


class Side:
    """One configuration: its decoder, its careful way and its learner."""

    def __init__(self, chosen: Settings) -> None:
        self._target = target_of(chosen)
        self._decoders = [Decoder(chosen, may_be_rows=may) for may in (False, True)]
        self._careful = Careful(chosen, self._target).decode
        self._topics = chosen.topics
        self.learner = Learner(chosen, {chosen.topics.predictions: 1, chosen.topics.dlq: 1})

    def outcomes(self, values: list[Value]) -> list[str]:
        """Return what became of each value; raise where ways disagree or a number is not finite."""
        outcomes, by_rows = (self._decoded(decoder, values) for decoder in self._decoders)
        if outcomes != by_rows:
            raise Wrong(f"{outcomes} by dicts, {by_rows} by rows")
        batch = Batch("in", 0, range(len(values)), [None] * len(values), values, [()] * len(values))
        outputs = {output.topic: output for output in self.learner.process(batch)}
        for row in _check_predictions(outputs.get(self._topics.predictions)):
            if outcomes[row] != "accepted":
                raise Wrong(f"{outcomes[row]}, and predicted all the same")
            outcomes[row] = "learned"
        for row, reason in _reasons(outputs.get(self._topics.dlq)):
            if outcomes[row] == "accepted" and reason in OF_THE_MODEL:
                outcomes[row] = f"{reason} (model)"
            elif outcomes[row] != reason:
                raise Wrong(f"{outcomes[row]} by the decoder, {reason} in the dead letter")
        if "accepted" in outcomes:
            raise Wrong("accepted, and neither predicted nor refused")
        self._check_model()
        return outcomes

    def _decoded(self, decoder: Decoder, values: list[Value]) -> list[str]:
        samples = decoder.decode(values)
        outcomes = [""] * len(values)
        for row, rejection in samples.rejections:
            if rejection.reason not in OF_THE_DECODER or not rejection.message:
                raise Wrong(f"{rejection.reason!r} is no reason")
            outcomes[row] = rejection.reason
        columns = (samples.rows, samples.ids, samples.features, samples.labels, samples.weights)
        for row, *found in zip(*columns, strict=True):
            self._check_agreement(values[row], found)
            outcomes[row] = "accepted"
        if "" in outcomes or len(samples.rows) + len(samples.rejections) != len(values):
            raise Wrong("not every value was decided on, or one twice")
        return outcomes

    def _check_agreement(self, value: Value, found: list[Any]) -> None:
        try:
            careful = self._careful(value or b"")
        except Rejected as rejected:
            raise Wrong(f"accepted, and by the careful way {rejected.rejection}") from None
        id, features, label, weight = found
        expected = careful.features
        if isinstance(features, Row):
            features, expected = dict(as_seen(features)), dict(as_seen(expected))
        y = self._target(careful.label)
        if not (
            id == careful.id
            and type(id) is type(careful.id)
            and features == expected
            and list(map(_is_number, features.values())) == list(map(_is_number, expected.values()))
            and (label == y or (label != label and y != y))
            and weight == careful.weight
            and 0 <= weight < math.inf
        ):
            raise Wrong(
                f"{found} by one way, {[careful.id, careful.features, y, careful.weight]} by the other"
            )

    def _check_model(self) -> None:
        model = self.learner.model
        dirty = model.dirty_blocks()
        if not np.isfinite(model.scalars()).all() or not all(
            np.isfinite(np.frombuffer(model.block(number))).all() for number in dirty
        ):
            raise Wrong("the model holds a number that is not finite")
        model.commit()


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float))


_read = msgspec.json.decode


def _check_predictions(output: Output | None) -> Iterator[int]:
    """Yield the offsets of predictions; raise for one that is not JSON or holds no number."""
    for value in output.values if output else ():
        prediction = _read(value or b"")
        number = prediction.get("probability", prediction["prediction"])
        if (
            number is None
            or not math.isfinite(number)
            or ("probability" in prediction and not 0 <= number <= 1)
        ):
            raise Wrong(f"predicted {number}")
        yield prediction["offset"]


def _reasons(output: Output | None) -> Iterator[tuple[int, str]]:
    """Yield the offsets and reasons of dead letters."""
    for headers in output.headers or () if output else ():
        told = dict(headers)
        yield int(told["perceptron.error.offset"] or b""), (told["perceptron.error.reason"] or b"").decode()

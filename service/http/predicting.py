"""From what was sent to predictions of the last commit: decoded, asked and encoded as the learner does it.

Do: predict; name the first sample that can't be used. Do not: learn, or know of HTTP beyond a status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from perceptron_core import Perceptron, Rejection
from perceptron_core.features import display
from service.board import Board
from service.careful import Id
from service.codec import PredictionCodec
from service.http.replies import Problem, no_model
from service.http.weights import MANY
from service.learner import Learner
from service.model_state import Head
from service.records import Decoder

MAX_SAMPLES = 10_000
"""In one request."""

STRETCH = 500
"""So many at a time: between two stretches the engine's thread may go on."""

MAX_EXPLAINED = 100

Features = dict[str, Any]

_elements = msgspec.json.Decoder(list[msgspec.Raw]).decode


@dataclass
class Question:
    """Samples to predict, column by column."""

    features: list[Features] = field(default_factory=list)
    ids: list[Id | None] = field(default_factory=list)
    labels: list[float] = field(default_factory=list)


class Predictor:
    """Answers from the copy of the last commit; may be asked from any thread."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._decoder = Decoder(board.settings)
        self._codec = PredictionCodec(board.settings.model)

    def answer(self, body: bytes, explained: bool) -> Any:
        """Return the answer to a sample in wire form, or to an array of them.

        Raises
        ------
        Problem
            A sample can't be used, or there is no model yet.
        """
        is_array = body.lstrip(b" \t\r\n")[:1] == b"["
        values = _split(body) if is_array else [body]
        if len(values) > MAX_SAMPLES:
            raise Problem(422, "too_large", f"{len(values):,} samples; {MAX_SAMPLES:,} at a time are allowed")
        answers = self.ask(self._decode(values, is_array), explained, is_array)[1]
        return answers if is_array else answers[0]

    def ask(self, question: Question, explained: bool, is_array: bool = True) -> tuple[Head, list[Any]]:
        """Return the head that was asked, and what it says of each sample.

        Raises
        ------
        Problem
            As :meth:`answer`.
        """

        def read(head: Head, learner: Learner) -> tuple[Head, list[Any]]:
            predicted = _predicted(learner, question.features, is_array)
            labels = np.array(question.labels)
            answers = self._codec.answers(question.ids, predicted, labels, head.version)
            if explained:
                _explain(learner, question.features, answers)
            return head, answers

        if (found := self._board.model.read(read)) is None:
            raise no_model()
        return found

    def _decode(self, values: Sequence[bytes], is_array: bool) -> Question:
        """Return the samples, or raise for the first that is none."""
        question = Question()
        for begin in range(0, len(values), STRETCH):
            samples = self._decoder.decode(values[begin : begin + STRETCH])
            if samples.rejections:
                row, rejection = samples.rejections[0]
                raise _refused(rejection, begin + row if is_array else None)
            question.features += samples.features
            question.ids += samples.ids
            question.labels += samples.labels
        return question


def _split(body: bytes) -> list[bytes]:
    """Return the elements of an array as they came."""
    try:
        return [bytes(element) for element in _elements(body)]
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise _refused(Rejection("not_json", f"not JSON: {error}"), None) from None


def _predicted(learner: Learner, samples: list[Features], is_array: bool) -> Any:
    """Return the predictions, or raise for the first sample that the model refuses."""
    predicted = np.empty(len(samples))
    for begin in range(0, len(samples), STRETCH):
        stretch = samples[begin : begin + STRETCH]
        refused: list[tuple[int, Rejection]] = []
        unlabelled = np.full(len(stretch), np.nan)
        answered = learner.model.predict_learn_many(stretch, unlabelled, None, refused)
        if refused:
            row, rejection = min(refused, key=lambda refusal: refusal[0])
            raise _refused(rejection, begin + row if is_array else None)
        predicted[begin : begin + STRETCH] = answered
    return predicted


def _refused(rejection: Rejection, index: int | None) -> Problem:
    status = 400 if rejection.reason == "not_json" else 422
    refused = Problem(status, rejection.reason, rejection.message)
    return refused if index is None else refused.at(index)


def _explain(learner: Learner, samples: list[Features], answers: list[Any]) -> None:
    """Put the summands of its score beside each prediction."""
    model = learner.model
    if not isinstance(model, Perceptron):
        raise Problem(400, "no_contributions", "a river pipeline has no weights to take apart")
    if model.n_features > MANY or len(samples) > MAX_EXPLAINED:
        raise Problem(
            400,
            "no_contributions",
            f"{len(samples):,} samples, {model.n_features:,} features; contributions are for "
            f"{MAX_EXPLAINED} samples of {MANY:,} features at most",
        )
    weights = model.weights_by_identity()
    for features, answer in zip(samples, answers, strict=True):
        parts = answer.contributions = {"Intercept": model.bias}
        for entry, _, scaled in model.inputs(features, as_predicted=True):
            name = str(display(entry))
            parts[name] = parts.get(name, 0.0) + weights.get(entry, 0.0) * scaled

"""A live copy of a model in any process: it reads the model topic only; it predicts and never learns.

A thread of its own reads the topic on. A commit is laid over the copy as a whole, between two predictions,
and only if it hashes to what its head says; so every prediction is that of one committed version.

Do: follow, predict, say how fresh the copy is. Do not: write anything, join a group, hold up a learner.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from pydantic import ValidationError

from perceptron_core import Rejection, SampleRejected
from service.errors import ConfigurationError, OpenTransaction, PerceptronError, Unreachable
from service.learner import Learner
from service.model_log import ModelLog
from service.model_state import Head
from service.settings import ModelSettings, Settings
from service.streams.port import Closing
from service.streams.select import open_stream

log = logging.getLogger("perceptron")

POLL_S = 0.1
RETRY_S = 1.0
PATIENCE_S = 0.5


class ModelFollower(Closing):
    """A live copy of a committed model; every method may be called from any thread.

    Parameters
    ----------
    url
        ``"sqlite:FILE"`` or ``"kafka://HOST:PORT,HOST:PORT"``.
    model
        The model's name.
    client, options, security
        As the settings ``stream.client``, ``stream.kafka`` and ``stream.security``.
    settings
        The learner's settings, in the place of all of the above. They are needed for a river pipeline and
        for topics of other names; without them the topic itself says which neuron it holds.
    timeout_s
        How long to wait for the first commit.

    Raises
    ------
    PerceptronError
        There is no such topic, it is damaged or holds another model, or nothing was committed in time.

    Examples
    --------
    ::

        with ModelFollower("kafka://localhost:9092", model="phishing") as live:
            live.predict_one({"age_of_domain": 1, "https": 0})
    """

    def __init__(
        self,
        url: str = "",
        model: str = "",
        *,
        client: str = "auto",
        options: Mapping[str, Any] | None = None,
        security: Mapping[str, Any] | None = None,
        settings: Settings | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        self._settings = settings or _checked(
            {
                "stream": {
                    "url": url,
                    "client": client,
                    "kafka": dict(options or {}),
                    "security": dict(security or {}),
                },
                "model": {"name": model},
            }
        )
        self._is_told = settings is not None
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self._failure: PerceptronError | None = None
        self._head: Head | None = None
        self._complete_at = -math.inf
        self._learner = Learner(self._settings, {}) if self._is_told else None
        stream = self._settings.stream
        self._stream = open_stream(
            stream.url, client=stream.client, options=stream.kafka, security=stream.security, must_exist=True
        )
        self._thread = threading.Thread(target=self._follow, name="model-follower", daemon=True)
        try:
            self._stream.partitions(self._settings.topics.model)
            self._log = ModelLog(self._stream, self._settings)
            self._thread.start()
            self.wait_for(0, timeout_s)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Stop following; the last version stays usable."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join()
        self._stream.close()

    def __enter__(self) -> Self:
        return self

    # Predictions

    def predict_one(self, features: dict[str, Any]) -> float:
        """Return the probability of the positive class, or the value.

        Raises
        ------
        SampleRejected
            The sample can't be used.
        PerceptronError
            Following has ended for good: the copy would grow old unnoticed.
        """
        rejections: list[tuple[int, Rejection]] = []
        [predicted] = self._predict([features], rejections)
        if rejections:
            raise SampleRejected(rejections[0][1])
        return float(predicted)

    def predict_many(self, samples: Sequence[dict[str, Any]]) -> npt.NDArray[np.float64]:
        """Return (n,) predictions of one and the same version, NaN where a sample can't be used.

        Raises
        ------
        PerceptronError
            As :meth:`predict_one`.
        """
        return self._predict(samples, [])

    def _predict(
        self, samples: Sequence[dict[str, Any]], rejections: list[tuple[int, Rejection]]
    ) -> npt.NDArray[np.float64]:
        unlabelled = np.full(len(samples), np.nan)
        with self._changed:
            return self._current().model.predict_learn_many(samples, unlabelled, None, rejections)

    # What it knows of itself

    @property
    def version(self) -> int:
        """How many samples the model had learned at the commit that is shown."""
        return self.head.version

    @property
    def head(self) -> Head:
        """The head of the commit that is shown: sequence, hash, positions, counts."""
        with self._changed:
            self._current()
            assert self._head is not None
            return self._head

    @property
    def metrics(self) -> dict[str, float]:
        """The learner's progressive metrics at that commit."""
        with self._changed:
            return self._current().metric_values()

    @property
    def weights(self) -> dict[Any, float]:
        """The weights by name; a river pipeline has none that can be named in general."""
        with self._changed:
            return dict(getattr(self._current().model, "weights", {}))

    @property
    def stale_s(self) -> float:
        """Seconds since the copy was last seen to be all that was committed."""
        return time.monotonic() - self._complete_at

    def wait_for(self, version: int, timeout_s: float = 10.0) -> int:
        """Return the version shown, once it is at least ``version``.

        Raises
        ------
        TimeoutError
            It did not get there in time.
        PerceptronError
            Following has ended for good.
        """
        return self._wait(lambda head: head.version >= version, f"version {version}", timeout_s).version

    def wait_for_commit(self, sequence: int, timeout_s: float = 10.0) -> Head:
        """Return the head shown, once its sequence is at least ``sequence``; raises as :meth:`wait_for`."""
        return self._wait(lambda head: head.sequence >= sequence, f"commit {sequence}", timeout_s)

    def _wait(self, is_enough: Callable[[Head], bool], what: str, timeout_s: float) -> Head:
        def is_over() -> bool:
            return self._failure is not None or (self._head is not None and is_enough(self._head))

        with self._changed:
            if not self._changed.wait_for(is_over, timeout_s):
                shown = f"at version {self._head.version}" if self._head else "without a first commit"
                raise TimeoutError(
                    f"model {self._settings.model.name!r} is {shown} after {timeout_s:g} s; "
                    f"{what} was waited for"
                )
            self._current()
            assert self._head is not None
            return self._head

    def _current(self) -> Learner:
        """Return the copy; raise what ended the following."""
        if self._failure is not None:
            raise self._failure
        assert self._learner is not None, "the start waits for a first commit"
        return self._learner

    # The thread

    def _follow(self) -> None:
        while not self._stopped.is_set():
            try:
                self._catch_up()
                self._log.wait(POLL_S)
            except OpenTransaction:
                pass  # somebody's commit under way; what is committed is shown
            except Unreachable as error:
                log.warning("following %s: %s", self._settings.topics.model, error)
                self._stopped.wait(RETRY_S)
            except PerceptronError as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
        self._log.close()

    def _catch_up(self) -> None:
        """Read to the end, and show what is committed there."""
        try:
            head = self._apply()
        except ConfigurationError:  # started anew, with other settings
            if self._is_told:
                raise
            self._adopt()
            head = self._apply()
        with self._changed:
            self._complete_at = time.monotonic()
            if head is not self._head:
                self._head = head
                self._changed.notify_all()

    def _apply(self) -> Head | None:
        """Bring the copy to the last commit; None where there is none."""
        if self._learner is None:
            self._log.read(PATIENCE_S)
            self._adopt()
        return self._log.catch_up(self._learner, PATIENCE_S, self._changed) if self._learner else None

    def _adopt(self) -> None:
        """Take on the settings that the topic itself names; a model that was started anew may have others."""
        if (head := self._log.stored_head()) is not None:
            settings = _settings_of(head, self._settings)
            with self._changed:
                self._settings, self._learner = settings, Learner(settings, {})
            self._log.adopt(settings)


def _settings_of(head: Head, given: Settings) -> Settings:
    """Return the settings of the neuron that a head is of.

    Raises
    ------
    ConfigurationError
        It is of a pipeline, whose code no topic may name, or of an unknown kind.
    """
    sections: dict[str, dict[str, Any]] = {}
    for name, value in head.fingerprint.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    model = sections.get("model", {})
    if "pipeline" in model:
        raise ConfigurationError(
            f"model {head.model!r} is the river pipeline {model['pipeline']!r}: give ModelFollower the "
            "learner's settings, as a topic may not say what code to run"
        )
    optimizer = model.pop("optimizer", "sgd")
    adaptive = optimizer in ("auto", "ladder")
    rate = {"learning_rate": optimizer} if adaptive else {"learning_rate": 0.01, "optimizer": optimizer}
    bound = max(head.features, ModelSettings.model_fields["max_features"].default)
    topics = {**sections.get("topics", {}), "model": given.topics.model}
    return _checked(
        {
            "stream": given.stream.model_dump(),
            "model": {"name": head.model, "max_features": bound, **rate, **model},
            "topics": topics,
            "fields": sections.get("fields", {}),
        }
    )


def _checked(sections: dict[str, Any]) -> Settings:
    try:
        return Settings.model_validate(sections)
    except ValidationError as error:
        wrong = error.errors()[0]
        raise ConfigurationError(f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}") from None

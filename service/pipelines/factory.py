"""From ``model.pipeline = "module:factory"`` to fresh pipelines, tried out at the start.

What can't work is refused here, before anything is learned: a factory that is not there, a pipeline of
another task or with random numbers of its own choosing, and a state that can't be kept.
"""

from __future__ import annotations

import functools
import importlib
import logging
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from service.errors import ConfigurationError
from service.pipelines.model import PipelineModel
from service.plain import outline

log = logging.getLogger("perceptron")

TRIALS = 60


class _AnyFeatures(dict[str, Any]):
    """Features of a trial: there is something under every name."""

    def __missing__(self, name: str) -> float:
        return 1.0

    def copy(self) -> _AnyFeatures:
        return _AnyFeatures(self)


def new_pipeline_model(name: str, task: str, allow_pickle: bool) -> PipelineModel:
    """Return an untrained model around a pipeline of the factory.

    Raises
    ------
    ConfigurationError
        The factory or its pipeline can't be used; the message says what to change.
    """
    return PipelineModel(_tried_out(name, task, allow_pickle), name, task, allow_pickle)


@functools.lru_cache(maxsize=8)
def _tried_out(name: str, task: str, allow_pickle: bool) -> Callable[[], Any]:
    make = _found(name)
    pipelines = [_made(make, name) for _ in range(2)]
    _check_task(pipelines[0], name, task)
    if outline(pipelines[0], make()).hash() != outline(pipelines[1], make()).hash():
        raise ConfigurationError(
            f"model.pipeline {name}: it is made differently each time; give its random parts a seed"
        )
    for samples in _shapes():
        _try(make, name, task, allow_pickle, samples)
    return make


def _found(name: str) -> Callable[[], Any]:
    module_name, colon, attribute = name.partition(":")
    if not (module_name and colon and attribute):
        raise ConfigurationError(f'model.pipeline is {name!r}; "module:factory" was expected')
    if str(Path.cwd()) not in sys.path and "" not in sys.path:
        sys.path.append(str(Path.cwd()))  # as python -m does: the installed command must find the same
    try:
        make = getattr(importlib.import_module(module_name), attribute)
    except Exception as error:  # a user's module may raise whatever it likes
        raise ConfigurationError(
            f"model.pipeline {name}: {type(error).__name__}: {error}; an importable module, from the "
            "working directory or PYTHONPATH, with a function that returns a river pipeline was expected"
        ) from None
    if not callable(make):
        raise ConfigurationError(f"model.pipeline {name}: a function was expected, not {make!r:.80}")
    return make  # type: ignore[no-any-return]


def _made(make: Callable[[], Any], name: str) -> Any:
    try:
        return make()
    except Exception as error:
        raise ConfigurationError(
            f"model.pipeline {name}: it raised {type(error).__name__}: {error}"
        ) from None


def _check_task(pipeline: Any, name: str, task: str) -> None:
    from river import base  # a second's import, only for those who ask for a pipeline

    if not isinstance(pipeline, base.Classifier if task == "binary" else base.Regressor):
        wanted = "classifier" if task == "binary" else "regressor"
        raise ConfigurationError(
            f"model.pipeline {name}: model.task {task!r} needs a river {wanted}, "
            f"not {type(pipeline).__name__}: {pipeline!r:.80}"
        )


def _try(
    make: Callable[[], Any], name: str, task: str, allow_pickle: bool, samples: list[dict[str, Any]]
) -> None:
    """Learn, take the state out and back, and learn on: nothing may differ."""
    half = len(samples) // 2
    model, again = (PipelineModel(make, name, task, allow_pickle) for _ in range(2))
    first = _learned(model, samples[:half])
    if _learned(again, samples[:half]) != first or model.hash() != again.hash():
        log.warning("model.pipeline %s uses random numbers without a seed: a replay would differ", name)
    restored = PipelineModel(make, name, task, allow_pickle)
    count = len(model.dirty_blocks())
    restored.load(model.version, [], [(n, model.names(n), model.block(n)) for n in range(count)])
    expected, came = _learned(model, samples[half:]), _learned(restored, samples[half:])
    if model.hash() != restored.hash() or expected != came:
        raise ConfigurationError(f"model.pipeline {name}: its state can't be kept across a restart")


def _learned(model: PipelineModel, samples: list[dict[str, Any]]) -> str:
    """Return the predictions as text; both labels come up."""
    labels = [float(index % 3 == 0) for index in range(len(samples))]
    return repr(model.predict_learn_many(samples, labels, None, []).tolist())


def _shapes() -> Iterator[list[dict[str, Any]]]:
    """Yield samples of numbers, of texts, and of both; which of them a pipeline takes is its own affair."""
    draw = random.Random(7)  # nosec B311 # samples to try out, no secrets
    numbers = [
        {"x": draw.gauss(0, 1), "n": draw.randint(0, 9), "b": draw.random() < 0.5} for _ in range(TRIALS)
    ]
    texts = [{"text": draw.choice(["red", "green red"]), "t": draw.choice("abc")} for _ in range(TRIALS)]
    yield [_AnyFeatures(sample) for sample in numbers]
    yield [_AnyFeatures(sample) for sample in texts]
    yield [_AnyFeatures({**a, **b}) for a, b in zip(numbers, texts, strict=True)]

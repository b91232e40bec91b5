"""The perceptron as river estimators, for river's pipelines, evaluation and model selection.

Parameters are those of :class:`~perceptron_core.Perceptron`, by the same names, but for two defaults: no
learning rate has to be chosen, and with a number for it the neuron does not scale, as in river the pipeline
does.

Mini-batches are sequential. ``learn_many`` takes a step for each row, in order, and gives what ``learn_one``
gives row by row, to the bit; river's own linear models take one step along the batch's mean gradient
instead. Within a pipeline that holds for the neuron's part: river's scalers take in a whole batch before it
is scaled. Frames may be of any kind that river takes; NaN in one means missing, as None does, see
:mod:`perceptron_core.frames`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from numbers import Real
from typing import Any

import numpy as np
from river import base, utils

from perceptron_core import frames, kernel
from perceptron_core.estimator_base import NeuronEstimator

_SIGMOID = kernel.Sigmoid()


class _Estimator(NeuronEstimator):
    """Learning from frames, which river unwraps."""

    def learn_many(self, X: Any, y: Any, w: Any = 1.0) -> None:  # noqa: N803
        """Take one step for each row, in order, as ``learn_one`` would.

        Parameters
        ----------
        X
            (n, d) frame of features.
        y
            (n,) series of labels.
        w
            Sample weight, or (n,) series of them.

        Raises
        ------
        SampleRejected
            A row was refused: the rows before it are learned, it and those behind it are not.
        ValueError
            A label or a weight is missing or out of range; nothing was learned.
        """
        frame, labels = utils.dataframe.into_frame(X), utils.dataframe.into_series(y)
        self._learn_frame(frame, labels, _weights(w))


class PerceptronClassifier(_Estimator, base.MiniBatchClassifier):
    """A single neuron that learns one of two classes.

    Parameters
    ----------
    loss
        ``"log"``, whose probabilities are calibrated; ``"squared"`` and the other losses of values, behind
        a sigmoid; or of the margin: ``"hinge"``, ``"squared_hinge"``, ``"modified_huber"``,
        ``"perceptron"``.
    activation
        By default the sigmoid, and the binary step for ``"perceptron"``.
    learning_rate
        ``"auto"``, ``"ladder"``, or α > 0 for the optimizer.
    scale
        By default True without a learning rate, and False with one: in river the pipeline scales,
        ``StandardScaler() | PerceptronClassifier(learning_rate=0.01)``. True does the same faster.
    optimizer, l2, intercept_learning_rate, max_features, l1, clip_gradient, schedule, options, hash_bits
        As of :class:`~perceptron_core.Perceptron`.
    interactions
        As of :class:`~perceptron_core.Perceptron`; None for none.

    Raises
    ------
    ValueError
        A parameter is outside its range or unknown.

    Notes
    -----
    The classes are False and True, or what equals them: 0 and 1, numpy's booleans. The class is True where
    the score is above 0; the probability is σ(score), which is calibrated for losses of the probability
    alone: of a margin it only says how far a sample is from the boundary. A sample that would spoil the
    weights, by a NaN for one, raises :class:`~perceptron_core.SampleRejected` and changes nothing; river's
    own models take it.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> from perceptron_core.estimators import PerceptronClassifier
    >>> evaluate.progressive_val_score(datasets.Phishing(), PerceptronClassifier(), metrics.Accuracy())
    Accuracy: 89.60%
    >>> model = preprocessing.StandardScaler() | PerceptronClassifier(learning_rate=0.01)
    >>> evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    Accuracy: 89.28%
    """

    def __init__(
        self,
        loss: str = "log",
        activation: str | None = None,
        optimizer: str = "sgd",
        learning_rate: float | str = "auto",
        l2: float = 0.0,
        scale: bool | str | None = None,
        intercept_learning_rate: float | None = None,
        max_features: int = 1_000_000,
        l1: float = 0.0,
        clip_gradient: float = kernel.GRADIENT_LIMIT,
        schedule: str = "constant",
        options: Mapping[str, float] | None = None,
        hash_bits: int | None = None,
        interactions: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(
            loss=loss,
            activation=activation,
            optimizer=optimizer,
            learning_rate=learning_rate,
            l2=l2,
            scale=scale,
            intercept_learning_rate=intercept_learning_rate,
            max_features=max_features,
            l1=l1,
            clip_gradient=clip_gradient,
            schedule=schedule,
            options=options,
            hash_bits=hash_bits,
            interactions=interactions,
        )
        if self._model.target_range != (0.0, 1.0):
            raise ValueError(
                f"a classifier needs probabilities: activation 'sigmoid', not {activation!r}, behind {loss!r}"
            )

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
        yield {"learning_rate": "ladder"}
        yield {"learning_rate": 0.01, "scale": True, "l2": 0.1}
        yield {"learning_rate": 0.1, "optimizer": "adagrad", "intercept_learning_rate": 0.5}
        yield {"loss": "hinge", "activation": "identity"}
        yield {"loss": "perceptron", "learning_rate": 1.0}

    def _own_activation(self, loss: str) -> str:
        return "step" if loss == "perceptron" else "sigmoid"

    def learn_one(self, x: dict[Any, Any], y: base.typing.ClfTarget, w: float = 1.0) -> None:
        """Take one step of gradient descent.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        y
            False or True.
        w
            Multiplies the gradient; finite and ≥ 0.

        Raises
        ------
        ValueError
            y is another class, or w is out of range.
        """
        self._model.learn_one(x, self._target(y), w)

    def predict_proba_one(self, x: dict[Any, Any], **kwargs: Any) -> dict[base.typing.ClfTarget, float]:
        """Return the probabilities of False and True, by σ(score)."""
        p = _SIGMOID.value(self.score_one(x))
        return {False: 1.0 - p, True: p}

    def predict_one(self, x: dict[Any, Any], **kwargs: Any) -> base.typing.ClfTarget:
        """Return whether the score is above 0."""
        return self.score_one(x) > 0.0

    def predict_proba_many(self, X: Any) -> Any:  # noqa: N803
        """Return the probabilities of False and True as a frame, row by row."""
        frame = utils.dataframe.into_frame(X)
        p = np.array([_SIGMOID.value(score) for score in self._scores(frame)])
        return utils.dataframe.to_native_frame({False: 1.0 - p, True: p}, like=frame)

    def predict_many(self, X: Any) -> Any:  # noqa: N803
        """Return whether the score is above 0 as a series, row by row."""
        frame = utils.dataframe.into_frame(X)
        above = np.array(self._scores(frame)) > 0.0
        return utils.dataframe.to_native_series(above, name=self._y_name, like=frame)

    def _target(self, y: Any) -> float:
        if y not in (False, True):
            raise ValueError(
                f"class {y!r}: False or True, 0 or 1 was expected; of more than two classes, "
                "river.multiclass.OneVsRestClassifier makes one neuron each"
            )
        return float(y)


class PerceptronRegressor(_Estimator, base.MiniBatchRegressor):
    """A single neuron that learns a number.

    Parameters
    ----------
    loss
        ``"squared"``, ``"absolute"``, ``"huber"``, ``"quantile"``, ``"epsilon_insensitive"``; ``"poisson"``
        for counts; ``"log"`` for targets in [0, 1].
    activation
        By default the loss's own: the identity, but for ``"poisson"`` and ``"log"``.
    learning_rate
        ``"auto"``, ``"ladder"``, or α > 0 for the optimizer.
    scale
        By default True without a learning rate, and False with one: in river the pipeline scales,
        ``StandardScaler() | PerceptronRegressor(learning_rate=0.01)``. True does the same faster.
    optimizer, l2, intercept_learning_rate, max_features, l1, clip_gradient, schedule, options, hash_bits
        As of :class:`~perceptron_core.Perceptron`.
    interactions
        As of :class:`~perceptron_core.Perceptron`; None for none.

    Raises
    ------
    ValueError
        A parameter is outside its range or unknown, or the loss is one of classes.

    Notes
    -----
    A sample that would spoil the weights, by a NaN for one, raises
    :class:`~perceptron_core.SampleRejected` and changes nothing; river's own models take it.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> from perceptron_core.estimators import PerceptronRegressor
    >>> evaluate.progressive_val_score(datasets.TrumpApproval(), PerceptronRegressor(), metrics.MAE())
    MAE: 0.267113
    >>> neuron = PerceptronRegressor(learning_rate=0.01, intercept_learning_rate=0.1)
    >>> model = preprocessing.StandardScaler() | neuron
    >>> evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    MAE: 0.558735
    """

    def __init__(
        self,
        loss: str = "squared",
        activation: str | None = None,
        optimizer: str = "sgd",
        learning_rate: float | str = "auto",
        l2: float = 0.0,
        scale: bool | str | None = None,
        intercept_learning_rate: float | None = None,
        max_features: int = 1_000_000,
        l1: float = 0.0,
        clip_gradient: float = kernel.GRADIENT_LIMIT,
        schedule: str = "constant",
        options: Mapping[str, float] | None = None,
        hash_bits: int | None = None,
        interactions: Sequence[tuple[str, str]] | None = None,
    ) -> None:
        super().__init__(
            loss=loss,
            activation=activation,
            optimizer=optimizer,
            learning_rate=learning_rate,
            l2=l2,
            scale=scale,
            intercept_learning_rate=intercept_learning_rate,
            max_features=max_features,
            l1=l1,
            clip_gradient=clip_gradient,
            schedule=schedule,
            options=options,
            hash_bits=hash_bits,
            interactions=interactions,
        )
        if self._model.judges_scores:
            raise ValueError(f"loss {loss!r} is one of classes; PerceptronClassifier takes it")

    @classmethod
    def _unit_test_params(cls) -> Iterator[dict[str, Any]]:
        yield {}
        yield {"learning_rate": "ladder"}
        yield {"learning_rate": 0.01, "scale": True, "l2": 0.1}
        yield {"learning_rate": 0.1, "scale": True, "optimizer": "adagrad", "intercept_learning_rate": 0.5}
        yield {"loss": "huber", "options": {"delta": 0.5}}

    def learn_one(self, x: dict[Any, Any], y: base.typing.RegTarget, w: float = 1.0) -> None:
        """Take one step of gradient descent.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        y
            The target, within the range of the activation.
        w
            Multiplies the gradient; finite and ≥ 0.

        Raises
        ------
        ValueError
            y or w is out of range.
        """
        self._model.learn_one(x, y, w)

    def predict_one(self, x: dict[Any, Any]) -> base.typing.RegTarget:
        """Return the predicted value."""
        return self._value(x)

    def predict_many(self, X: Any) -> Any:  # noqa: N803
        """Return the predicted values as a series, row by row."""
        frame = utils.dataframe.into_frame(X)
        predictions = np.array([self._value(x) for x in frames.samples(frame)], dtype=float)
        return utils.dataframe.to_native_series(predictions, name=self._y_name, like=frame)


def _weights(w: Any) -> float | list[Any]:
    """Return a sample weight for all rows, or one for each."""
    return float(w) if isinstance(w, Real) else frames.values(utils.dataframe.into_series(w))

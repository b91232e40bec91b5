"""The perceptron as river estimators, for river's pipelines, evaluation and model selection."""

from __future__ import annotations

from typing import Any

from river import base

from perceptron_core.perceptron import Perceptron


def _changeable(name: str) -> property:
    """Return a parameter that :meth:`river.base.Base.mutate` may change; what was learned stays."""

    def get(self: _Neuron) -> Any:
        return self._model.config[name]

    def change(self: _Neuron, value: Any) -> None:
        self._model = self._model.with_parameters(**{name: value})

    return property(get, change)


class _Neuron(base.Estimator):
    """What both estimators share: the parameters, and the model that they describe."""

    learning_rate = _changeable("learning_rate")
    l2 = _changeable("l2")
    intercept_learning_rate = _changeable("intercept_learning_rate")

    def __init__(
        self,
        loss: str,
        activation: str | None,
        optimizer: str,
        learning_rate: float,
        l2: float,
        scale: bool,
        intercept_learning_rate: float | None,
        max_features: int,
    ) -> None:
        self._model = Perceptron(
            loss, activation, optimizer, learning_rate, l2, scale, intercept_learning_rate, max_features
        )
        self.loss = loss
        self.activation = activation
        self.optimizer = optimizer
        self.scale = scale
        self.max_features = max_features

    @property
    def weights(self) -> dict[Any, float]:
        """The weights by display name."""
        return self._model.weights

    @property
    def intercept(self) -> float:
        """The bias b."""
        return self._model.bias

    @property
    def _mutable_attributes(self) -> set[str]:
        return {"learning_rate", "l2", "intercept_learning_rate"}


class PerceptronClassifier(_Neuron, base.Classifier):
    """A single neuron that learns the probability of one of two classes.

    Parameters
    ----------
    loss
        ``"log"``: cross-entropy; ``"squared"``: (ŷ − y)².
    activation
        ``"sigmoid"`` (default), or ``"step"`` behind squared loss, by which nothing can be learned.
    optimizer
        ``"sgd"``.
    learning_rate
        α > 0 of the weights.
    l2
        Penalty λ ≥ 0 on the weights of the features present in a sample.
    scale
        Whether the neuron standardises numbers by itself. Off, unlike in :class:`Perceptron`: in river
        the pipeline scales, ``StandardScaler() | PerceptronClassifier()``. On, it does the same faster.
    intercept_learning_rate
        α of the bias; by default that of the weights.
    max_features
        The bound on features, of a sample and of the model.

    Raises
    ------
    ValueError
        A parameter is outside its range or unknown.

    Notes
    -----
    The classes are False and True, or what equals them: 0 and 1, numpy's booleans. A tie is False. A
    sample that would spoil the weights raises :class:`~perceptron_core.SampleRejected` and changes
    nothing; river's own models would take it.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> from perceptron_core.estimators import PerceptronClassifier
    >>> model = preprocessing.StandardScaler() | PerceptronClassifier(learning_rate=0.01)
    >>> evaluate.progressive_val_score(datasets.Phishing(), model, metrics.Accuracy())
    Accuracy: 89.28%
    """

    def __init__(
        self,
        loss: str = "log",
        activation: str | None = None,
        optimizer: str = "sgd",
        learning_rate: float = 0.01,
        l2: float = 0.0,
        scale: bool = False,
        intercept_learning_rate: float | None = None,
        max_features: int = 1_000_000,
    ) -> None:
        if activation == "identity":
            raise ValueError("a classifier needs probabilities: activation 'sigmoid', not 'identity'")
        super().__init__(
            loss,
            activation or "sigmoid",
            optimizer,
            learning_rate,
            l2,
            scale,
            intercept_learning_rate,
            max_features,
        )

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
        """
        self._model.learn_one(x, float(y), w)

    def predict_proba_one(self, x: dict[Any, Any], **kwargs: Any) -> dict[base.typing.ClfTarget, float]:
        """Return the probabilities of False and True.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        """
        p = self._model.predict_one(x)
        return {False: 1.0 - p, True: p}


class PerceptronRegressor(_Neuron, base.Regressor):
    """A single neuron that learns a number.

    Parameters
    ----------
    loss
        ``"squared"``: (ŷ − y)²; ``"log"``: cross-entropy, for targets in [0, 1].
    activation
        ``"identity"`` or ``"sigmoid"``; by default the loss's own.
    optimizer
        ``"sgd"``.
    learning_rate
        α > 0 of the weights.
    l2
        Penalty λ ≥ 0 on the weights of the features present in a sample.
    scale
        Whether the neuron standardises numbers by itself. Off, unlike in :class:`Perceptron`: in river
        the pipeline scales, ``StandardScaler() | PerceptronRegressor()``. On, it does the same faster.
    intercept_learning_rate
        α of the bias; by default that of the weights.
    max_features
        The bound on features, of a sample and of the model.

    Raises
    ------
    ValueError
        A parameter is outside its range or unknown.

    Notes
    -----
    A sample that would spoil the weights raises :class:`~perceptron_core.SampleRejected` and changes
    nothing; river's own models would take it.

    Examples
    --------
    >>> from river import datasets, evaluate, metrics, preprocessing
    >>> from perceptron_core.estimators import PerceptronRegressor
    >>> model = preprocessing.StandardScaler() | PerceptronRegressor(intercept_learning_rate=0.1)
    >>> evaluate.progressive_val_score(datasets.TrumpApproval(), model, metrics.MAE())
    MAE: 0.558735
    """

    def __init__(
        self,
        loss: str = "squared",
        activation: str | None = None,
        optimizer: str = "sgd",
        learning_rate: float = 0.01,
        l2: float = 0.0,
        scale: bool = False,
        intercept_learning_rate: float | None = None,
        max_features: int = 1_000_000,
    ) -> None:
        super().__init__(
            loss, activation, optimizer, learning_rate, l2, scale, intercept_learning_rate, max_features
        )

    def learn_one(self, x: dict[Any, Any], y: base.typing.RegTarget, w: float = 1.0) -> None:
        """Take one step of gradient descent.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        y
            The target.
        w
            Multiplies the gradient; finite and ≥ 0.
        """
        self._model.learn_one(x, y, w)

    def predict_one(self, x: dict[Any, Any]) -> base.typing.RegTarget:
        """Return the predicted value.

        Parameters
        ----------
        x
            Name → number, boolean, text or None.
        """
        return self._model.predict_one(x)

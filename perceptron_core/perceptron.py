"""The public model: a neuron with its parameters, and what one does with it."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from perceptron_core import kernel, registry
from perceptron_core.assembly import assemble, check_config
from perceptron_core.checks import check_targets
from perceptron_core.features import FeatureMap, check_interactions, display, refusal_of
from perceptron_core.rejection import Rejection, SampleRejected
from perceptron_core.state import BlockState, Entry

Features = dict[Any, Any]


class Perceptron(BlockState):
    """A single neuron that learns online, one gradient-descent step per sample.

    Parameters
    ----------
    loss
        ``"log"``: cross-entropy, −y ln ŷ − (1 − y) ln(1 − ŷ); ``"squared"``: (ŷ − y)²; ``"absolute"``,
        ``"huber"`` (option ``delta``), ``"quantile"`` (``tau``), ``"epsilon_insensitive"``
        (``epsilon``), ``"poisson"``; and of the score: ``"hinge"``, ``"squared_hinge"``,
        ``"modified_huber"``, ``"perceptron"``, whose step is Rosenblatt's rule.
    activation
        ``"sigmoid"``, ``"identity"``, ``"tanh"``, ``"softplus"``, ``"exp"`` or ``"step"``; by default the
        loss's own. The article's neuron is ``loss="squared", activation="sigmoid"``.
    optimizer
        ``"sgd"``, ``"momentum"``, ``"nesterov"`` (option ``rho``), ``"averaged"`` (``start``),
        ``"adagrad"`` (``eps``), ``"rmsprop"``, ``"adadelta"`` (``rho``, ``eps``), ``"adam"``,
        ``"amsgrad"``, ``"nadam"`` (``beta_1``, ``beta_2``, ``eps``), ``"ftrl"`` (``beta``), ``"coin"``
        (``caution``; needs no learning rate) or ``"normalized"``.
    learning_rate
        α > 0 of the weights; or ``"auto"``: two rates side by side, weighed by how well they predict, with
        linear weights; or ``"ladder"``: four, whose probabilities are averaged. These two are optimizers
        of their own: they take neither penalties nor a schedule, and scale by ``"robust"``.
    l2
        Penalty λ ≥ 0 on the weights of the features present in a sample; the bias is not penalised.
    scale
        Whether numbers are standardised by running statistics, as by river's ``StandardScaler`` before
        the model: predict with the statistics as they are; update them; learn with the new ones. Or by
        name: ``"standard"`` (True), ``"minmax"``, ``"robust"`` (True without a learning rate),
        ``"none"`` (False).
    intercept_learning_rate
        α of the bias, by plain gradient descent; by default it learns as the weights do.
    max_features
        The bound on features, of a sample and of the model; beyond it samples are refused.
    l1
        Penalty ≥ 0 that draws weights to 0, cumulative; in ``"ftrl"`` by its own proximal step.
    clip_gradient
        The largest magnitude of ∂L/∂z × sample weight.
    schedule
        ``"constant"``, ``"inverse"`` (option ``power``), ``"exponential"`` (``half_life``, ``floor``) or
        ``"bottou"`` (``decay``): how α goes on with the number of samples learned.
    options
        What the loss, the optimizer and the schedule take besides, by name.
    hash_bits
        Where given, features are hashed into 2^hash_bits buckets, 1 to 30: a vocabulary that is bounded
        without refusals; see :class:`~perceptron_core.features.Hashing`.
    interactions
        Pairs of patterns of names: two features that match are multiplied, and the product is a feature
        too; see :class:`~perceptron_core.features.Interactions`.

    Raises
    ------
    ValueError
        A parameter is outside its range or unknown.

    Notes
    -----
    ŷ = a(w·x + b). Features are a dict from name to number, boolean, text or None. True is 1; text is
    one-hot: the pair (name, text) is a feature of its own with the value 1, never scaled; None takes no
    part. Features may appear at any time. Several samples in one call mean the same as one by one.

    There is a working and a committed state: :meth:`commit` and :meth:`rollback` make one of them the other
    at a cost in proportion to the blocks of 256 features that changed. Between them
    :meth:`stage` sets a state apart, so that learning can go on while it is not known yet which it will be.

    References
    ----------
    The equations and their names: the article on the mathematics of the perceptron, line by line in
    ``docs/math.md``. Running variance: Welford (1962), *Note on a method for calculating corrected sums
    of squares and products*.

    Examples
    --------
    >>> from perceptron_core import Perceptron
    >>> model = Perceptron(learning_rate=0.5, scale=False)
    >>> model.predict_one({"age": 1, "country": "FR"})
    0.5
    >>> model.learn_one({"age": 1, "country": "FR"}, 1)
    >>> model.weights
    {'age': 0.25, 'country=FR': 0.25}
    >>> model.bias
    0.25
    >>> model.predict_learn_many([{"age": 1}, {"age": 2, "vip": True}], [0, 1])
    array([0.62245933, 0.45420644])
    """

    def __init__(
        self,
        loss: str = "log",
        activation: str | None = None,
        optimizer: str = "sgd",
        learning_rate: float | str = 0.01,
        l2: float = 0.0,
        scale: bool | str = True,
        intercept_learning_rate: float | None = None,
        max_features: int = 1_000_000,
        l1: float = 0.0,
        clip_gradient: float = kernel.GRADIENT_LIMIT,
        schedule: str = "constant",
        options: Mapping[str, float] | None = None,
        hash_bits: int | None = None,
        interactions: Sequence[tuple[str, str]] = (),
    ) -> None:
        activation = activation or registry.own_activation(loss)
        self._config: dict[str, Any] = {
            "loss": loss,
            "activation": activation,
            "optimizer": optimizer,
            "learning_rate": learning_rate,
            "l2": l2,
            "scale": scale,
            "intercept_learning_rate": intercept_learning_rate,
            "max_features": max_features,
            "l1": l1,
            "clip_gradient": clip_gradient,
            "schedule": schedule,
            "options": dict(options or {}),
            "hash_bits": hash_bits,
            "interactions": check_interactions(interactions),
        }
        check_config(self._config)
        if registry.learns_nothing(loss, activation):
            warnings.warn(
                "the binary step is flat: by the chain rule its gradient is 0, nothing is learned",
                stacklevel=2,
            )
        self._activation = registry.make_activation(activation)
        self._targets = registry.target_range(loss, activation)
        super().__init__(assemble(self._config, self._activation, self._targets))
        self._map = FeatureMap(interactions, hash_bits, int(max_features))
        if self._map.changes_nothing:
            # Bound to the compiled methods: a call in between would cost a third of a prediction.
            self.predict_one = self._neuron.predict_one  # type: ignore[method-assign]
            self.score_one = self._neuron.score_one  # type: ignore[method-assign]
            self.learn_one = self._neuron.learn_one  # type: ignore[method-assign]

    # Use

    def predict_one(self, features: Features) -> float:
        """Return ŷ: the probability of the positive class, or the value; nothing is learned.

        Parameters
        ----------
        features
            Name → number, boolean, text or None.

        Raises
        ------
        SampleRejected
            The sample can't be used.
        """
        return self._neuron.predict_one(self._map.transform(features))

    def score_one(self, features: Features) -> float:
        """Return the score z = w·x + b, before the activation."""
        return self._neuron.score_one(self._map.transform(features))

    def learn_one(self, features: Features, label: float, weight: float = 1.0) -> None:
        """Take one step of gradient descent.

        Parameters
        ----------
        features
            Name → number, boolean, text or None.
        label
            The target y, within :attr:`target_range`.
        weight
            Multiplies the gradient; finite and ≥ 0.

        Raises
        ------
        SampleRejected
            The sample can't be used; the model is as it was.
        ValueError
            The label or the weight is out of range.
        """
        self._neuron.learn_one(self._map.transform(features), label, weight)

    def predict_learn_many(
        self,
        samples: Sequence[Features],
        labels: Sequence[float | None] | npt.NDArray[np.float64],
        weights: Sequence[float] | npt.NDArray[np.float64] | None = None,
        rejections: list[tuple[int, Rejection]] | None = None,
    ) -> npt.NDArray[np.float64]:
        """Predict, then learn, sample by sample, in one call.

        Parameters
        ----------
        samples
            n dicts of features; or rows, where :attr:`takes_rows`.
        labels
            (n,) targets; None or NaN means: predict only.
        weights
            (n,) sample weights, finite and ≥ 0; 1 by default.
        rejections
            Where given, refused samples are appended to it as (index, rejection), and the rest goes on.

        Returns
        -------
        ndarray
            (n,) predictions ŷ, each made before learning from its sample; NaN where it was refused.

        Raises
        ------
        SampleRejected
            A sample was refused and no ``rejections`` was given. The samples before it are learned, it
            and those behind it are not.
        """
        y = _doubles("label", labels)
        w = np.ones(len(samples)) if weights is None else _doubles("weight", weights)
        if not len(samples) == len(y) == len(w):
            raise ValueError(f"{len(samples)} samples, {len(y)} labels and {len(w)} weights: lengths differ")
        check_targets(y, w, self._targets)
        predictions = np.empty(len(samples))
        stop_at_first = rejections is None
        mapped = self._map.transform_many(samples)
        refused = self._neuron.run(mapped, y, w, predictions, stop_at_first)
        if not self._map.changes_nothing:
            refused = [(index, refusal_of(mapped[index], rejection)) for index, rejection in refused]
        if rejections is not None:
            rejections.extend(refused)
        elif refused:
            index, rejection = refused[0]
            raise SampleRejected(rejection, f"sample {index}: " if len(samples) > 1 else "")
        return predictions

    # What it holds

    @property
    def config(self) -> dict[str, Any]:
        """The parameters, with the activation filled in."""
        return dict(self._config)

    @property
    def identity(self) -> dict[str, Any]:
        """The parameters that decide what the state means; the others may change under it.

        Free are rates and their schedule, the penalty l2, the bound on gradients and that on features.
        """
        config = self._config
        free = registry.SCHEDULES[config["schedule"]].options
        return {
            **{name: config[name] for name in ("loss", "activation", "optimizer", "scale", "l1")},
            **({"optimizer": config["learning_rate"]} if isinstance(config["learning_rate"], str) else {}),
            "options": {name: value for name, value in config["options"].items() if name not in free},
            **({"hash_bits": config["hash_bits"]} if config["hash_bits"] is not None else {}),
            **({"interactions": list(map(list, config["interactions"]))} if config["interactions"] else {}),
        }

    @property
    def takes_rows(self) -> bool:
        """Whether :meth:`predict_learn_many` takes a :class:`~perceptron_core.kernel.Row` for a dict."""
        return self._map.changes_nothing

    @property
    def judges_scores(self) -> bool:
        """Whether the loss is one of classes, by the margin."""
        return bool(registry.make_loss(self._config["loss"]).of_score)

    @property
    def learns_nothing(self) -> bool:
        """Whether the gradient is 0 everywhere."""
        return registry.learns_nothing(str(self._config["loss"]), str(self._config["activation"]))

    @property
    def target_range(self) -> tuple[float, float]:
        """The least and the largest label: 0 and 1 behind a sigmoid, any finite number for a value."""
        return self._targets

    @property
    def version(self) -> int:
        """How many samples the model has learned."""
        return int(self._neuron.facts()[0])

    @property
    def bias(self) -> float:
        """The bias b."""
        return self._neuron.intercept()

    @property
    def weights(self) -> dict[Any, float]:
        """The weights by display name, in order of first appearance; of scaled inputs where scaling is on."""
        return {display(entry): weight for entry, weight in self.weights_by_identity().items()}

    @property
    def rate_shares(self) -> dict[float, float]:
        """How much each rate of ``"auto"`` or ``"ladder"`` counts in predictions; else empty."""
        return {rate: share for rate, (share, _) in self._neuron.by_rate().items()}

    @property
    def weights_by_rate(self) -> dict[float, dict[Any, float]]:
        """The weights that each rate of ``"auto"`` or ``"ladder"`` has by itself, by display name.

        Examples
        --------
        >>> model = Perceptron(learning_rate="ladder")
        >>> model.learn_one({"x": 2.0}, 1)
        >>> {rate: sorted(weights) for rate, weights in model.weights_by_rate.items()}
        {0.5: ['x'], 2.0: ['x'], 8.0: ['x'], 32.0: ['x']}
        """
        names = [display(entry) for entry in self._neuron.entries()]
        return {
            rate: dict(zip(names, weights.tolist(), strict=True))
            for rate, (_, weights) in self._neuron.by_rate().items()
        }

    def weights_by_identity(self) -> dict[Entry, float]:
        """Return the weights by ``(name,)`` or ``(name, text)``: display names may be equal."""
        return dict(zip(self._neuron.entries(), self._neuron.weights().tolist(), strict=True))

    def inputs(self, features: Features, as_predicted: bool = False) -> list[tuple[Entry, float, float]]:
        """Return (identity, x, x̃) of each input that a sample makes.

        Parameters
        ----------
        features
            Name → number, boolean, text or None.
        as_predicted
            Scaled as a prediction takes them: some scalers have seen the sample by then. Else by the
            statistics as they are.

        Raises
        ------
        SampleRejected
            The sample can't be used.
        """
        return self._neuron.inputs(self._map.transform(features), as_predicted)

    @property
    def statistics(self) -> dict[Any, dict[str, float]]:
        """What the scaler knows of each feature, by display name."""
        table, describe = self._neuron.facts()[2], self._neuron.scaler.describe
        return {
            display(entry): describe(row) for entry, row in zip(self._neuron.entries(), table, strict=False)
        }

    # Pickle, copy

    def with_parameters(self, **parameters: Any) -> Perceptron:
        """Return a copy that goes on with other parameters, such as the learning rate.

        Raises
        ------
        ValueError
            A parameter is outside its range, or the state does not fit the new ``scale``.
        """
        copy = Perceptron.__new__(Perceptron)
        copy.__setstate__({**self.__getstate__(), "config": {**self._config, **parameters}})
        return copy

    def __getstate__(self) -> dict[str, Any]:
        """Return the configuration and the working state; the copy starts with that state committed."""
        blocks = [(number, self.names(number), self.block(number)) for number in range(self.n_blocks)]
        return {"config": self._config, "version": self.version, "scalars": self.scalars(), "blocks": blocks}

    def __setstate__(self, state: dict[str, Any]) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.__init__(**state["config"])  # type: ignore[misc]
        self.load(state["version"], state["scalars"], state["blocks"])
        self.commit()

    def __repr__(self) -> str:
        parameters = ", ".join(f"{name}={value!r}" for name, value in self._config.items())
        return f"Perceptron({parameters})"


def _doubles(what: str, numbers: Any) -> npt.NDArray[np.float64]:
    """Return labels or weights as an array of their own, None as NaN."""
    if isinstance(numbers, list):
        return kernel.as_doubles(what, numbers)  # type: ignore[no-any-return]
    return np.array(numbers, dtype=np.float64)

"""The settings: one table that drives defaults, environment, command line, help and documents.

``perceptron.toml`` < environment (``PERCEPTRON_MODEL__LEARNING_RATE``) < command line
(``--set model.learning_rate=0.1``). Frozen; unknown names are refused with the nearest known one.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from perceptron_core import Perceptron
from service.settings_security import LOOPBACK, SecuritySettings

if TYPE_CHECKING:
    from service.pipelines.model import PipelineModel

MIN_TOKEN = 16

TopicName = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")]


class Section(BaseModel):
    """A table of the settings file."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)  # it may be a secret


class StreamSettings(Section):
    """Where records come from and go to."""

    url: str = Field("sqlite:perceptron.db", description='"sqlite:FILE" or "kafka://HOST:PORT,HOST:PORT"')
    client: Literal["auto", "confluent", "kafka-python"] = Field(
        "auto", description="Kafka client; auto takes confluent where it is installed"
    )
    kafka: dict[str, Any] = Field(
        default_factory=dict, description="raw client options (dots or underscores), passed on as they are"
    )
    security: SecuritySettings = Field(SecuritySettings(), description="TLS and login: a table of its own")

    @field_validator("kafka")
    @classmethod
    def _flat(cls, options: dict[str, Any]) -> dict[str, Any]:
        for name, value in options.items():
            parts = value if isinstance(value, list) else [value]
            if any(isinstance(part, list | dict) for part in parts):
                raise ValueError(f"{name}: a text, a number, a boolean or a list of them was expected")
        return options


class ModelSettings(Section):
    """The model, and what it learns."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = Field(
        "phishing", description="names the model, its group and its topics"
    )
    task: Literal["binary", "regression"] = Field("binary", description="what the label is")
    labels: tuple[Any, Any] = Field((0, 1), description="negative and positive: 0 and 1, or two texts")
    loss: str | None = Field(
        None,
        description="by default log (binary), squared (regression); or absolute, huber, quantile, "
        "epsilon_insensitive, poisson, hinge, squared_hinge, modified_huber, perceptron",
    )
    activation: str | None = Field(
        None, description="by default the loss's own; sigmoid, identity, tanh, softplus, exp, step"
    )
    optimizer: str = Field(
        "sgd",
        description="sgd, momentum, nesterov, averaged, adagrad, rmsprop, adadelta, adam, amsgrad, nadam, "
        "ftrl, coin, normalized",
    )
    learning_rate: float | Literal["auto", "ladder"] = Field(
        "auto",
        description="auto and ladder find it by themselves; a number α > 0 is the article's gradient descent",
    )
    l2: float = Field(0.0, description="penalty ≥ 0 on the weights of the features present")
    intercept_learning_rate: float | None = Field(
        None, description="α of the bias; by default it learns as the weights do"
    )
    scale: bool | str = Field(
        True, description="scale numbers by running statistics; or standard, minmax, robust, none"
    )
    max_features: int = Field(1_000_000, description="bound on features, of a sample and of the model")
    l1: float = Field(0.0, description="penalty ≥ 0 that draws weights to 0")
    clip_gradient: float = Field(1e12, description="largest magnitude of a sample's gradient × weight")
    schedule: str = Field(
        "constant", description="how the learning rate goes on: constant, inverse, exponential, bottou"
    )
    options: dict[str, float] = Field(
        default_factory=dict, description="further numbers of loss, optimizer and schedule, such as beta_1"
    )
    hash_bits: int | None = Field(
        None, description="hash features into 2^hash_bits buckets, 1 to 30: a bounded vocabulary, no refusals"
    )
    interactions: tuple[tuple[str, str], ...] = Field(
        (),
        description='pairs of name patterns, such as ["country", "geo_*"]: their products are features too',
    )
    metrics: tuple[str, ...] = Field((), description="further river metrics by name, such as ROCAUC")
    pipeline: str = Field("", description='"module:factory": a river pipeline in the place of the neuron')
    allow_pickle: bool = Field(
        False, description="pickle a pipeline's state that can't be kept as plain data; reading it runs code"
    )

    @field_validator("labels")
    @classmethod
    def _two_labels(cls, labels: tuple[Any, Any]) -> tuple[Any, Any]:
        texts = all(isinstance(label, str) and label for label in labels) and labels[0] != labels[1]
        numbers = labels == (0, 1) and not any(isinstance(label, (bool, float)) for label in labels)
        if not (texts or numbers):
            raise ValueError("[0, 1] or two different texts, negative first, were expected")
        return labels

    @model_validator(mode="before")
    @classmethod
    def _loss_of_the_task(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("loss") is None:
            return {**given, "loss": "squared" if given.get("task") == "regression" else "log"}
        return given

    @model_validator(mode="after")
    def _pipeline_stands_alone(self) -> ModelSettings:
        shared = {"name", "task", "labels", "metrics", "pipeline", "allow_pickle"}
        plain = ModelSettings(task=self.task) if self.pipeline else self
        own = sorted(ModelSettings.model_fields.keys() - shared)
        if changed := [name for name in own if getattr(self, name) != getattr(plain, name)]:
            raise ValueError(f"the neuron's {', '.join(changed)} can't be set beside a pipeline")
        return self

    @model_validator(mode="after")
    def _fits_together(self) -> ModelSettings:
        model = self.new_perceptron()  # Perceptron checks ranges and pairs
        activation = model.config["activation"]
        if self.task == "binary" and activation not in ("sigmoid", "step"):
            raise ValueError(f'task "binary" needs activation "sigmoid" or "step", not "{activation}"')
        if self.task == "regression" and (self.loss == "log" or model.judges_scores):
            raise ValueError(f'task "regression" needs a loss of values such as "squared", not "{self.loss}"')
        if model.learns_nothing:
            raise ValueError(f'nothing can be learned by loss "{self.loss}" behind activation "step"')
        return self

    @property
    def identity(self) -> dict[str, Any]:
        """What may not change under a stored model: what the neuron says, or which pipeline it is."""
        return {"pipeline": self.pipeline} if self.pipeline else self.new_perceptron().identity

    @property
    def target_range(self) -> tuple[float, float]:
        """The least and the largest label of a regression."""
        return self.new_perceptron().target_range

    def new_model(self) -> Perceptron | PipelineModel:
        """Return an untrained model of these settings: the neuron, or the pipeline in its place."""
        if not self.pipeline:
            return self.new_perceptron()
        from service.pipelines.factory import new_pipeline_model

        return new_pipeline_model(self.pipeline, self.task, self.allow_pickle)

    def new_perceptron(self) -> Perceptron:
        """Return an untrained model of these settings."""
        return Perceptron(
            loss=self.loss or "log",
            activation=self.activation,
            optimizer=self.optimizer,
            learning_rate=self.learning_rate,
            l2=self.l2,
            scale=self.scale,
            intercept_learning_rate=self.intercept_learning_rate,
            max_features=self.max_features,
            l1=self.l1,
            clip_gradient=self.clip_gradient,
            schedule=self.schedule,
            options=self.options,
            hash_bits=self.hash_bits,
            interactions=self.interactions,
        )


class TopicSettings(Section):
    """Names of the topics; by default ``<model>.samples`` and so on."""

    samples: TopicName = Field("", description="input; by default <model>.samples")
    predictions: TopicName = Field("", description="results; by default <model>.predictions")
    dlq: TopicName = Field("", description="dead letters; by default <model>.dlq")
    model: TopicName = Field("", description="model log, compacted; by default <model>.model")


class FieldSettings(Section):
    """Where a sample's parts are found in the JSON object."""

    id: str = Field("id", description="text or integer that names the sample")
    features: str = Field("features", description='object of features; "*": every other top-level field')
    label: str = Field("label", description='the target; with the default name, "ground_truth" is taken too')
    weight: str = Field("weight", description="sample weight")

    @model_validator(mode="after")
    def _distinct(self) -> FieldSettings:
        names = [self.id, self.features, self.label, self.weight]
        if len(set(names)) < len(names) or not all(names) or "*" in (self.id, self.label, self.weight):
            raise ValueError('four different names were expected; only features may be "*"')
        return self


class EngineSettings(Section):
    """How the loop runs."""

    max_batch: int = Field(5000, ge=1, le=100_000, description="records per commit, at most")
    max_record_bytes: int = Field(1_000_000, ge=1, description="larger values go to the dead letters")
    on_gap: Literal["fail", "skip"] = Field(
        "fail", description="when retention removed input that was not learned: stop, or go on behind the gap"
    )
    session_timeout_ms: int = Field(
        6000, ge=1000, description="a killed instance's shards are free after this"
    )
    instance_id: str = Field("", description="a stable name: a restart in place goes on at once")
    watchdog_s: float = Field(
        120.0, gt=0, description="end the process when a call does not return for so long"
    )


class HttpSettings(Section):
    """What perceptron run serves over HTTP: health, predictions, metrics, the dashboard."""

    enabled: bool = Field(True, description="serve it, where the extra http is installed")
    host: str = Field("127.0.0.1", description="address to listen on; others than this machine need a token")
    port: int = Field(8080, ge=0, le=65535, description="0 takes any that is free, and says which")
    token: SecretStr | None = Field(None, description="asked for as Authorization: Bearer; or in token_file")
    token_file: str | None = Field(None, description="file that holds the token and nothing else")
    max_body_bytes: int = Field(1_000_000, ge=1, description="larger requests are refused")
    max_connections: int = Field(200, ge=4, description="at a time; further ones are cut at once")
    request_timeout_s: float = Field(
        10.0, gt=0, description="a request that is not all there by then is cut off"
    )

    @field_validator("token")
    @classmethod
    def _long_enough(cls, token: SecretStr | None) -> SecretStr | None:
        if token is not None:
            check_token(token.get_secret_value())
        return token

    @model_validator(mode="after")
    def _closed_to_others(self) -> HttpSettings:
        if self.token is not None and self.token_file is not None:
            raise ValueError("token and token_file are both set: keep one")
        is_open = self.token is None and self.token_file is None and not LOOPBACK.fullmatch(self.host)
        if self.enabled and is_open:
            raise ValueError(
                f"host {self.host!r} can be reached by others, so a token is needed: set http.token_file, "
                "or PERCEPTRON_HTTP__TOKEN in the environment; or go back to host 127.0.0.1"
            )
        return self


def check_token(token: str) -> None:
    """Raise ValueError for a token that could be guessed, or that no header can carry."""
    if len(token) < MIN_TOKEN or not (token.isascii() and token.isprintable() and " " not in token):
        raise ValueError(f"{MIN_TOKEN} or more ASCII characters without spaces were expected")


class LogSettings(Section):
    """What perceptron run writes to stderr."""

    format: Literal["auto", "text", "json"] = Field(
        "auto", description="auto: json for the first process of a container, away from a terminal; else text"
    )
    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="the least that is logged; of the clients' own lines never below their info"
    )


class Settings(Section):
    """All settings of the service; :func:`service.settings_sources.load_settings` reads them."""

    stream: StreamSettings = StreamSettings()
    model: ModelSettings = ModelSettings()
    topics: TopicSettings = TopicSettings()
    fields: FieldSettings = FieldSettings()
    engine: EngineSettings = EngineSettings()
    http: HttpSettings = HttpSettings()
    log: LogSettings = LogSettings()

    @model_validator(mode="before")
    @classmethod
    def _topics_of_the_model(cls, given: dict[str, Any]) -> dict[str, Any]:
        model = given.get("model") or {}
        name = (
            model.get("name", ModelSettings.model_fields["name"].default) if isinstance(model, dict) else ""
        )
        topics = {part: f"{name}.{part}" for part in TopicSettings.model_fields}
        own = given.get("topics") or {}
        return {**given, "topics": {**topics, **own} if isinstance(own, dict) else own}

    @property
    def group(self) -> str:
        """The consumer group, ``<model>.learner``; with ``-0`` behind it, the transactional id."""
        return f"{self.model.name}.learner"

    @cached_property
    def fingerprint(self) -> dict[str, Any]:
        """What may not change under a stored model, by setting name."""
        return {
            "model.task": self.model.task,
            "model.labels": list(self.model.labels),
            **{f"model.{name}": value for name, value in self.model.identity.items()},
            "topics.samples": self.topics.samples,
            **{f"fields.{name}": value for name, value in self.fields.model_dump().items()},
        }

"""What is not allowed ends the service with one clear message, and nothing changed; on a broker with ACLs."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from kafka import KafkaAdminClient

from service.settings import Settings
from service.streams.port import Output
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.kafka_broker import NoBrokerError, broker_from_jars, free_port, give_up
from tests.service.command_line import perceptron
from tests.service.guarded_broker import Guarded, Right

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

PASSWORD = "correct-horse"
WRONG = "battery-staple"
SAMPLES = [b'{"features": {"x": 1.5}, "label": 1}', b"no json", b'{"features": {"x": -1.0}, "label": 0}']
REFUSED_WITHIN_S = 20.0

RIGHTS: list[Right] = [
    ("TOPIC", ".samples", "READ"),
    ("TOPIC", ".samples", "DESCRIBE_CONFIGS"),
    ("TOPIC", ".predictions", "WRITE"),
    ("TOPIC", ".predictions", "DESCRIBE_CONFIGS"),
    ("TOPIC", ".dlq", "WRITE"),
    ("TOPIC", ".dlq", "DESCRIBE_CONFIGS"),
    ("TOPIC", ".model", "READ"),
    ("TOPIC", ".model", "WRITE"),
    ("GROUP", ".learner", "READ"),
    ("TRANSACTIONAL_ID", ".learner-0", "WRITE"),
]
"""All that ``perceptron run`` needs; what the names begin with is the model's. In ``docs/operations.md``."""


@dataclass(frozen=True)
class Secured(Guarded):
    """A broker that lets ``learner`` in by password and allows it what was granted; its owner, everything."""

    address: str


@pytest.fixture(scope="module")
def secured() -> Iterator[Secured]:
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        try:
            plain = stack.enter_context(broker_from_jars(_settings(address)))
        except NoBrokerError as error:
            give_up(f"what is refused was not tried out: {error}")
        owner = stack.enter_context(open_stream(f"kafka://{plain}"))
        admin = KafkaAdminClient(bootstrap_servers=plain)
        stack.callback(admin.close)
        yield Secured(owner, admin, address)


def _settings(address: str) -> dict[str, str]:
    login = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        "listeners": f"SECURED://{address}",
        "advertised.listeners": f"SECURED://{address}",
        "listener.security.protocol.map": "SECURED:SASL_PLAINTEXT",
        "listener.name.secured.sasl.enabled.mechanisms": "PLAIN",
        "listener.name.secured.plain.sasl.jaas.config": f'{login} required user_learner="{PASSWORD}";',
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # whoever comes by the other listeners
    }


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent" and find_spec("confluent_kafka") is None:
        pytest.skip("the extra 'fast' is not installed")
    return str(request.param)


@pytest.fixture
def model(secured: Secured) -> str:
    """Return a model's name, after making its topics and putting samples in."""
    name = f"m-{uuid.uuid4().hex[:12]}"
    settings = Settings.model_validate({"model": {"name": name}})
    secured.owner.create_topics(topic_specs(settings))
    secured.owner.append([Output(settings.topics.samples, 0, [None] * len(SAMPLES), SAMPLES)])
    return name


def said(
    secured: Secured,
    home: Path,
    client: str,
    model: str,
    words: Sequence[str],
    *,
    password: str = PASSWORD,
    code: int = 1,
) -> str:
    """Run a command as ``learner`` and return what it told the user, quickly and without any password."""
    (home / "perceptron.toml").write_text(
        f'[stream]\nurl = "kafka://{secured.address}"\nclient = "{client}"\n'
        f'[stream.kafka]\n"security.protocol" = "SASL_PLAINTEXT"\n"sasl.mechanism" = "PLAIN"\n'
        f'"sasl.username" = "learner"\n"sasl.password" = "{password}"\n'
        f'[model]\nname = "{model}"\n'
    )
    started = time.monotonic()
    done = perceptron(home, *words, code=code)
    assert time.monotonic() - started < REFUSED_WITHIN_S
    assert password.encode() not in done.stdout + done.stderr
    return str(done.stderr.decode())


def assert_refused(told: str, *facts: str) -> None:
    """Expect one message, and these facts in it."""
    (error,) = [line for line in told.splitlines() if line.startswith("Error: ")]
    assert "refuses" in error
    for fact in facts:
        assert fact in error


def assert_unchanged(secured: Secured, model: str) -> None:
    """Expect what there was before the first run."""
    assert [secured.values(f"{model}.{part}") for part in ("predictions", "dlq", "model")] == [[], [], []]
    assert secured.owner.group_offsets(f"{model}.learner", f"{model}.samples") == {}


def test_a_wrong_password_is_called_so(secured: Secured, tmp_path: Path, client: str, model: str) -> None:
    secured.grant("learner", model, RIGHTS)
    told = said(secured, tmp_path, client, model, ["run"], password=WRONG)
    assert_refused(told, "AUTHENTICATION", secured.address, "credentials in stream.kafka")
    assert_unchanged(secured, model)


@pytest.mark.parametrize(
    "missing",
    [
        ("TOPIC", ".samples", "READ"),
        ("TOPIC", ".samples", "DESCRIBE_CONFIGS"),
        ("TOPIC", ".predictions", "WRITE"),
        ("TOPIC", ".dlq", "WRITE"),
        ("TOPIC", ".model", "READ"),
        ("GROUP", ".learner", "READ"),
        ("TRANSACTIONAL_ID", ".learner-0", "WRITE"),
    ],
    ids=lambda right: f"{right[1]}-{right[2]}",
)
def test_a_missing_right_is_told(
    secured: Secured, tmp_path: Path, client: str, model: str, missing: Right
) -> None:
    kind, name, _ = missing
    secured.grant(
        "learner", model, [*(right for right in RIGHTS if right != missing), (kind, name, "DESCRIBE")]
    )
    told = said(secured, tmp_path, client, model, ["run"])
    assert_refused(told, f"{kind}_AUTHORIZATION_FAILED", model + name)
    assert_unchanged(secured, model)


def test_topics_are_not_made_without_the_right_to(secured: Secured, tmp_path: Path, client: str) -> None:
    told = said(secured, tmp_path, client, f"{client}-new", ["topics", "create"])
    assert_refused(told, "TOPIC_AUTHORIZATION_FAILED", f"{client}-new.samples")


def test_with_these_rights_it_runs(secured: Secured, tmp_path: Path, client: str, model: str) -> None:
    secured.grant("learner", model, RIGHTS)
    assert "version 2" in said(secured, tmp_path, client, model, ["run", "--until-end"], code=0)
    assert len(secured.values(f"{model}.predictions")) == 2
    assert secured.values(f"{model}.dlq") == [b"no json"]
    assert secured.owner.group_offsets(f"{model}.learner", f"{model}.samples") == {0: 3}

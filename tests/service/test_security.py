"""TLS and every kind of login, by both clients, with no more rights than ``docs/operations.md`` lists."""

from __future__ import annotations

import json
import logging
import re
import traceback
import uuid
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from service import ModelFollower
from service.commands.given import open_to_read, open_to_write
from service.engine import Engine
from service.errors import ConfigurationError, NotAuthorized, StreamError, Unreachable
from service.settings import Settings
from service.streams.port import Output
from service.topics import topic_specs
from tests.contracts.rig import read_to_end
from tests.kafka_broker import NoBrokerError, give_up
from tests.service.command_line import ROOT, answer, perceptron
from tests.service.guarded_broker import Right
from tests.service.secured_broker import SECRET, WAYS, Secured, secured_broker
from tests.service.test_rights import RIGHTS, SAMPLES

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

WRONG = "battery-staple"
LEAST: dict[str, list[Right]] = {
    "learner": RIGHTS,
    "producer": [("TOPIC", ".samples", "WRITE")],
    "consumer": [("TOPIC", ".predictions", "READ"), ("TOPIC", ".model", "READ")],
}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    try:
        with secured_broker(tmp_path_factory.mktemp("secured")) as broker:
            yield broker
    except NoBrokerError as error:
        give_up(f"TLS and logins were not tried out: {error}")


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent" and find_spec("confluent_kafka") is None:
        pytest.skip("the extra 'fast' is not installed")
    return str(request.param)


@pytest.fixture
def model(secured: Secured) -> str:
    """Return the name of a model whose topics and rights are there."""
    name = f"m-{uuid.uuid4().hex[:12]}"
    secured.owner.create_topics(topic_specs(Settings.model_validate({"model": {"name": name}})))
    for who, rights in LEAST.items():
        secured.grant(who, name, rights)
    return name


def of(secured: Secured, client: str, model: str, way: str, who: str, **other: Any) -> Settings:
    security = {**secured.settings(way, who), **other}
    hasty = {"bootstrap_timeout_ms": 2000} if client == "kafka-python" else {}
    stream = {"url": secured.url(way), "client": client, "security": security, "kafka": hasty}
    return Settings.model_validate({"stream": stream, "model": {"name": model}})


@pytest.mark.parametrize("way", WAYS)
def test_samples_go_in_and_predictions_come_out(
    secured: Secured, caplog: pytest.LogCaptureFixture, client: str, model: str, way: str
) -> None:
    caplog.set_level(logging.DEBUG)
    producer, learner, consumer = (
        of(secured, client, model, way, who) for who in ("producer", "learner", "consumer")
    )
    with open_to_write(producer) as stream:
        stream.append([Output(f"{model}.samples", 0, [None] * len(SAMPLES), SAMPLES)])
    with open_to_write(learner) as stream:
        Engine(stream, learner).run(until_end=True)
    with open_to_read(consumer) as stream, stream.reader() as reader:
        reader.seek({(f"{model}.predictions", 0): 0})
        predicted = [value for _, _, value, _ in read_to_end(stream, reader, (f"{model}.predictions", 0))]
    assert [json.loads(value or b"")["offset"] for value in predicted] == [0, 2]
    assert secured.values(f"{model}.dlq") == [b"no json"]
    where = secured.url(way), model
    with ModelFollower(*where, client=client, security=secured.settings(way, "consumer")) as live:
        assert live.version == 2
    assert not [record for record in caplog.messages if SECRET in record or "auth=Bearer" in record]


@pytest.mark.parametrize(
    ("way", "wrong", "kind", "told"),
    [
        ("PLAIN", {"password": WRONG}, NotAuthorized, "AUTHENTICATION.*credentials in .*stream.security"),
        (
            "SCRAM-SHA-512",
            {"password": WRONG},
            NotAuthorized,
            "AUTHENTICATION.*credentials in .*stream.security",
        ),
        ("OAUTHBEARER", {"client_secret": WRONG}, NotAuthorized, r"token.* stream\.security"),
        ("PLAIN", {"ca_file": "stranger.pem"}, Unreachable, r"no TLS .*stream\.security\.ca_file"),
        ("certificate", {"ca_file": "stranger.pem"}, Unreachable, r"no TLS .*stream\.security\.ca_file"),
        ("certificate", {"key_password_file": "ca.pem"}, ConfigurationError, r"stream\.security\.key_file"),
    ],
    ids=lambda value: "" if isinstance(value, type) else None,
)
def test_what_is_wrong_is_told_without_the_secret(
    secured: Secured,
    caplog: pytest.LogCaptureFixture,
    client: str,
    way: str,
    wrong: dict[str, str],
    kind: type[Exception],
    told: str,
) -> None:
    wrong = {name: secured.file(value) if name.endswith("_file") else value for name, value in wrong.items()}
    with caplog.at_level(logging.INFO), pytest.raises((StreamError, ConfigurationError)) as caught:
        open_to_read(of(secured, client, "m", way, "learner", **wrong))
    assert isinstance(caught.value, kind), caught.value
    assert re.search(told, str(caught.value)), caught.value
    everything = "".join(traceback.format_exception(caught.value)) + caplog.text
    assert SECRET not in everything
    assert WRONG not in everything


def manual(language: str) -> str:
    """Return the block of a language in the manual's section on TLS and SASL."""
    text = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    section = text.split("## TLS and SASL\n")[1].split("\n## ")[0]
    return re.findall(rf"```{language}\n(.*?)```", section, re.DOTALL)[0]


def as_a_file(secured: Secured, home: Path) -> dict[str, str]:
    """Set what the manual sets in a file."""
    text = manual("toml").replace("broker.example:9093", secured.address)
    text = text.replace("/etc/perceptron/ca.pem", secured.file("ca.pem"))
    (home / "perceptron.toml").write_text(text.replace("/run/secrets/password", secured.file("secret")))
    return {}


def as_an_environment(secured: Secured, home: Path) -> dict[str, str]:
    """Set what the manual sets by variables."""
    told = {"/etc/perceptron/ca.pem": secured.file("ca.pem"), "...": SECRET}
    told |= {"kafka://broker.example:9093": f"kafka://{secured.address}"}
    lines = re.findall(r"export (\w+)=(.*)", manual("sh"))
    return {name: told.get(value, value) for name, value in lines}


@pytest.mark.parametrize("told", [as_a_file, as_an_environment])
def test_it_runs_as_the_manual_says(
    secured: Secured, tmp_path: Path, client: str, model: str, told: Any
) -> None:
    secured.owner.append([Output(f"{model}.samples", 0, [None] * len(SAMPLES), SAMPLES)])
    variables = told(secured, tmp_path)
    words = ["--set", f"model.name={model}", "--set", f"stream.client={client}"]
    said = perceptron(tmp_path, "run", "--until-end", *words, variables=variables).stderr.decode()
    assert "version 2" in said
    assert "SCRAM-SHA-512" in said
    assert SECRET not in said
    assert SECRET not in answer(tmp_path, "config", "show", *words, variables=variables)

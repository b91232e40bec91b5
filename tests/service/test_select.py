"""URLs, clients and raw options: what is opened, and what a mistake is told."""

from __future__ import annotations

import traceback
from importlib.util import find_spec
from pathlib import Path

import pytest

from service.errors import ConfigurationError
from service.streams import kafka_common
from service.streams.select import kafka_servers, open_stream

NOBODY = "kafka://127.0.0.1:1"
SECRET = "hunter2"  # never in a line that a traceback shows
CLIENTS = ["kafka-python"] + (["confluent"] if find_spec("confluent_kafka") else [])


@pytest.mark.parametrize(
    ("url", "servers"),
    [
        ("kafka://one", "one:9092"),
        ("kafka://one:1234/", "one:1234"),
        ("kafka://one,two:99, three", "one:9092,two:99,three:9092"),
        ("kafka://10.0.0.1:9093", "10.0.0.1:9093"),
        ("kafka://[::1]", "[::1]:9092"),
        ("kafka://[::1]:77", "[::1]:77"),
    ],
)
def test_each_server_gets_its_port(url: str, servers: str) -> None:
    assert kafka_servers(url) == servers


@pytest.mark.parametrize(
    "url",
    [
        "",
        "sqlite:",
        "kafka:one",
        "kafka://",
        "kafka://,",
        "kafka://one:port",
        "kafka://one:0",
        "kafka://a/b",
        "x",
    ],
)
def test_a_wrong_url_is_told_with_what_was_expected(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"expected sqlite:PATH or kafka://HOST") as caught:
        open_stream(url)
    assert repr(url) in str(caught.value)


def test_credentials_in_a_url_are_refused_and_not_shown() -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_stream(f"kafka://user:{SECRET}@one:9092")
    assert SECRET not in _everything(caught.value)


def test_an_unknown_client_is_told_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'aiokafka'; expected one of auto, confluent, kafka-python"):
        open_stream(f"sqlite:{tmp_path / 'a.db'}", client="aiokafka")


def test_sqlite_opens_its_file(tmp_path: Path) -> None:
    with open_stream(f"sqlite:{tmp_path / 'a.db'}") as stream:
        assert stream.client.startswith("sqlite")


def test_confluent_without_the_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.streams.select.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"perceptron-stream\[fast\]"):
        open_stream(NOBODY, client="confluent")


@pytest.mark.parametrize("client", CLIENTS)
def test_a_mistyped_option_is_named_and_no_value_is_shown(client: str) -> None:
    options = {"sasl.pasword": SECRET, "sasl_password": SECRET}
    with pytest.raises(ConfigurationError, match=r"sasl[._]pasword") as caught:
        open_stream(NOBODY, client=client, options=options)
    assert SECRET not in _everything(caught.value)


@pytest.mark.parametrize("client", CLIENTS)
def test_a_wrong_value_names_its_option_and_is_not_shown(client: str) -> None:
    with pytest.raises(ConfigurationError, match=r"security[._]protocol") as caught:
        open_stream(NOBODY, client=client, options={"security.protocol": SECRET})
    assert SECRET not in _everything(caught.value)


def test_one_spelling_serves_both_clients() -> None:
    ours = {"sasl.username": "me", "ssl.ca.location": "ca.pem", "linger.ms": 3}
    theirs = {"sasl_plain_username": "me", "ssl_cafile": "ca.pem", "linger_ms": 3}
    for spelled in (ours, theirs):
        assert kafka_common.dotted(spelled) == ours
        assert kafka_common.underscored(spelled) == theirs


@pytest.mark.parametrize(
    ("text", "default", "value"),
    [
        ("5", 1, 5),
        ("2.5", 1.0, 2.5),
        ("TRUE", False, True),
        ("0", True, False),
        ("x", "y", "x"),
        ("x", None, "x"),
    ],
)
def test_text_from_the_environment_takes_the_type_of_the_default(
    text: str, default: object, value: object
) -> None:
    typed = kafka_common.typed(text, default)
    assert typed == value
    assert type(typed) is type(value)


def _everything(error: BaseException) -> str:
    """Return all that a traceback would show."""
    return "".join(traceback.format_exception(error))

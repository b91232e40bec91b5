"""``stream.security`` without a broker: what is taken, what is refused, and that no secret is ever shown."""

from __future__ import annotations

import json
import logging
import traceback
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import ValidationError

from service import ModelFollower
from service.commands.settings_text import as_toml, check, effective
from service.errors import ConfigurationError
from service.settings import Settings
from service.settings_security import SecuritySettings
from service.settings_sources import load_settings, redacted
from service.streams.security import Secret, client_options
from service.streams.select import open_stream
from tests.service.command_line import answer, perceptron

SECRET = "hunter2-and-more"  # never in a line that a traceback shows
REMOTE = "kafka://broker.example:9093"
CLIENTS = ["kafka-python"] + (["confluent"] if find_spec("confluent_kafka") else [])
PLAIN = {"protocol": "SASL_SSL", "mechanism": "PLAIN", "username": "me", "password": SECRET}
TOKEN = {
    "protocol": "SASL_SSL",
    "mechanism": "OAUTHBEARER",
    "token_url": "https://idp.example/t",
    "client_id": "me",
}


def options(servers: str = "broker.example:9093", raw: Any = None, **security: Any) -> dict[str, Any]:
    return client_options(SecuritySettings(**security), servers, raw or {})


def shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def test_nothing_said_changes_nothing() -> None:
    assert options(raw={"acks": "all", "sasl_plain_password": "x"}) == {
        "acks": "all",
        "sasl_plain_password": "x",
    }


def test_each_setting_becomes_the_option_of_the_clients() -> None:
    assert options(**PLAIN, raw={"linger.ms": 3}) == {
        "linger.ms": 3,
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": SECRET,
    }
    assert options(**TOKEN, client_secret=SECRET, scope="kafka") == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "OAUTHBEARER",
        "sasl.oauthbearer.method": "oidc",
        "sasl.oauthbearer.token.endpoint.url": "https://idp.example/t",
        "sasl.oauthbearer.client.id": "me",
        "sasl.oauthbearer.client.secret": SECRET,
        "sasl.oauthbearer.scope": "kafka",
    }


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"protocol": "SASL_SSL"}, "protocol SASL_SSL needs mechanism"),
        ({"protocol": "SASL_SSL", "mechanism": "PLAIN"}, "mechanism PLAIN needs username and password"),
        (TOKEN, "needs client_secret"),
        ({**PLAIN, "password_file": "p"}, "password and password_file are both set"),
        ({**PLAIN, "client_id": "me"}, "mechanism PLAIN makes no use of client_id"),
        ({**PLAIN, "scope": "x"}, "makes no use of scope"),
        ({**TOKEN, "client_secret": SECRET, "username": "me"}, "makes no use of username"),
        ({"username": "me", "password_file": "p"}, "protocol PLAINTEXT makes no use of password, username"),
        ({"ca_file": "ca.pem"}, "protocol PLAINTEXT makes no use of ca_file"),
        ({"protocol": "SSL", "mechanism": "PLAIN"}, "protocol SSL makes no use of mechanism"),
        ({"protocol": "SSL", "certificate_file": "c"}, "needs key_file"),
        ({"protocol": "SSL", "key_password": SECRET}, "needs certificate_file and key_file"),
        ({**TOKEN, "client_secret": SECRET, "token_url": "http://idp.example/t"}, "https://HOST/PATH"),
        (
            {**TOKEN, "client_secret": SECRET, "token_url": f"https://me:{SECRET}@idp.example/t"},
            "https://HOST/PATH",
        ),
        ({"protocol": SECRET}, "'PLAINTEXT', 'SSL', 'SASL_PLAINTEXT' or 'SASL_SSL'"),
        ({"username": 5}, "valid string"),
        ({**PLAIN, "pasword": SECRET}, "pasword"),
    ],
)
def test_what_does_not_fit_together_is_named_and_not_shown(
    settings: dict[str, Any], told: str, tmp_path: Path
) -> None:
    with pytest.raises(ValidationError) as caught:
        SecuritySettings(**settings)
    assert SECRET not in shown(caught.value)
    file = tmp_path / "own.toml"
    file.write_text("[stream.security]\n" + "".join(f"{k} = {json.dumps(v)}\n" for k, v in settings.items()))
    with pytest.raises(ConfigurationError, match=r"stream\.security") as refused:
        load_settings(file)
    assert told in str(refused.value)
    assert SECRET not in shown(refused.value)


@pytest.mark.parametrize("value", [SECRET, "12345", "true", '{"a": 1}', '"quoted"', "[1]", "a=b#c", " x "])
def test_a_password_from_the_environment_is_taken_as_it_is(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in {**PLAIN, "password": value}.items():
        monkeypatch.setenv(f"PERCEPTRON_STREAM__SECURITY__{name.upper()}", text)
    security = load_settings(overrides=["stream.security.username=other"]).stream.security
    assert security.password is not None
    assert (security.password.get_secret_value(), security.username) == (value, "other")


@pytest.mark.parametrize("name", ["stream.security", "stream.kafka", "stream", "model", "http"])
def test_a_secret_in_the_wrong_place_is_not_shown(name: str, tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text(f"{name} = {json.dumps(SECRET)}\n")
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_settings(file)
    assert SECRET not in shown(caught.value)


@pytest.mark.parametrize(
    ("override", "advice"),
    [
        (f"stream.security.password={SECRET}", "PERCEPTRON_STREAM__SECURITY__PASSWORD"),
        (f"stream.security.key_password={SECRET}", "stream.security.key_password_file"),
        (f"stream.security={{client_secret = '{SECRET}'}}", "PERCEPTRON_STREAM__SECURITY__CLIENT_SECRET"),
        (f"stream.kafka.sasl.password={SECRET}", "PERCEPTRON_STREAM__KAFKA__SASL_PASSWORD"),
        (f"stream.kafka={{'ssl.key.pem' = '{SECRET}'}}", "PERCEPTRON_STREAM__KAFKA__SSL_KEY_PEM"),
        (f"http.token={SECRET}", "PERCEPTRON_HTTP__TOKEN in the environment or http.token_file"),
        (f"password={SECRET}", "section.key=value"),
    ],
)
def test_a_secret_on_the_command_line_is_refused(override: str, advice: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(overrides=[override])
    assert advice in str(caught.value)
    assert SECRET not in shown(caught.value)


def test_a_secret_that_is_no_good_is_not_shown(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[http]\ntoken = "s h o r t"\n')
    with pytest.raises(ConfigurationError, match=r"http\.token: 16 or more") as caught:
        load_settings(file)
    assert "s h o r t" not in shown(caught.value)


def test_names_and_files_may_be_on_the_command_line() -> None:
    sets = ["protocol=SASL_SSL", "mechanism=SCRAM-SHA-512", "username=me", "password_file=/run/secrets/p"]
    chosen = load_settings(
        overrides=[*(f"stream.security.{word}" for word in sets), "stream.kafka.ssl.key.location=k"]
    )
    assert chosen.stream.security.password_file == "/run/secrets/p"
    assert redacted(chosen)["stream"]["kafka"] == {"ssl.key.location": "k"}


def test_settings_are_printed_as_toml_without_their_secrets() -> None:
    chosen = Settings.model_validate({"stream": {"url": REMOTE, "security": {**PLAIN, "ca_file": None}}})
    text = as_toml(effective(chosen))
    assert "[stream.security]  # " in text
    assert 'password = "***"' in text
    assert "# ca_file is not set" in text
    assert (
        SECRET
        not in text + json.dumps(redacted(chosen)) + repr(chosen) + str(chosen) + chosen.model_dump_json()
    )


@pytest.mark.parametrize("protocol", ["SASL_PLAINTEXT", "SASL_SSL"])
@pytest.mark.parametrize(
    ("servers", "is_here"),
    [
        ("localhost:9092", True),
        ("127.0.0.1:9092,127.8.9.1:1,[::1]:9092", True),
        ("127.0.0.1:9092,broker.example:9092", False),
        ("127.0.0.1.example:9092", False),
        ("localhost.example:9092", False),
        ("10.0.0.1:9092", False),
    ],
)
def test_credentials_leave_this_machine_by_tls_only(protocol: str, servers: str, is_here: bool) -> None:
    said = {**PLAIN, "protocol": protocol}
    if is_here or protocol == "SASL_SSL":
        assert options(servers, **said)["security.protocol"] == protocol
    else:
        with pytest.raises(ConfigurationError, match=r"in the clear: use SASL_SSL"):
            options(servers, **said)


@pytest.mark.parametrize(
    ("raw", "setting"),
    [
        ("sasl.password", "stream.security.password"),
        ("sasl_plain_password", "stream.security.password"),
        ("sasl.mechanisms", "stream.security.mechanism"),
        ("security_protocol", "stream.security.protocol"),
    ],
)
def test_what_is_said_twice_is_refused_with_both_names(raw: str, setting: str) -> None:
    with pytest.raises(ConfigurationError, match=f"{setting} and {raw} in stream.kafka") as caught:
        options(raw={raw: SECRET}, **PLAIN)
    assert SECRET not in shown(caught.value)


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "password"
    said = {**PLAIN, "password": None, "password_file": str(file)}
    with pytest.raises(ConfigurationError, match=r"stream\.security\.password_file: .*No such file"):
        options(**said)
    file.write_text("\n")
    with pytest.raises(ConfigurationError, match="is empty"):
        options(**said)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationError, match="is not text"):
        options(**said)
    file.write_text(f" {SECRET}\n")
    assert options(**said)["sasl.password"] == f" {SECRET}"


def test_a_file_of_no_use_is_named(tmp_path: Path) -> None:
    authority, other = trustme.CA(), trustme.CA()
    pem = {name: tmp_path / f"{name}.pem" for name in ("ca", "own", "key", "other", "empty")}
    mine = authority.issue_cert("me.example")
    authority.cert_pem.write_to_path(pem["ca"])
    mine.cert_chain_pems[0].write_to_path(pem["own"])
    mine.private_key_pem.write_to_path(pem["key"])
    other.issue_cert("me.example").private_key_pem.write_to_path(pem["other"])
    pem["empty"].write_text("")
    said = {"protocol": "SSL", "ca_file": pem["ca"], "certificate_file": pem["own"], "key_file": pem["key"]}
    said = {name: str(value) for name, value in said.items()}
    assert options(**said)["ssl.key.location"] == str(pem["key"])
    for setting, wrong in [("ca_file", "empty"), ("certificate_file", "key"), ("key_file", "other")]:
        with pytest.raises(ConfigurationError, match=rf"stream\.security\.{setting}"):
            options(**{**said, setting: str(pem[wrong])})


@pytest.mark.parametrize("client", CLIENTS)
def test_a_client_is_not_even_made_where_it_would_send_a_password_in_the_clear(client: str) -> None:
    said = SecuritySettings(**{**PLAIN, "protocol": "SASL_PLAINTEXT"})
    with pytest.raises(ConfigurationError, match=r"broker\.example in the clear"):
        open_stream(REMOTE, client=client, security=said)
    with pytest.raises(ConfigurationError, match=r"broker\.example in the clear"):
        ModelFollower(REMOTE, "m", client=client, security={**PLAIN, "protocol": "SASL_PLAINTEXT"})


def test_settings_are_checked_without_connecting(tmp_path: Path) -> None:
    said = {**PLAIN, "protocol": "SASL_PLAINTEXT"}
    with pytest.raises(ConfigurationError, match="in the clear"):
        check(Settings.model_validate({"stream": {"url": REMOTE, "security": said}}))
    sets = [
        w
        for n in ("protocol=SASL_SSL", "mechanism=PLAIN", "username=me")
        for w in ("--set", f"stream.security.{n}")
    ]
    words = ["config", "check", "--stream", REMOTE, *sets]
    told = perceptron(tmp_path, *words, code=2).stderr.decode()
    assert "stream.security: protocol SASL_SSL with mechanism PLAIN needs password" in told
    variables = {"PERCEPTRON_STREAM__SECURITY__PASSWORD": SECRET}
    assert answer(tmp_path, *words, variables=variables) == "ok\n"


def test_a_secret_is_a_text_that_logs_do_not_show(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(SECRET)
    assert (secret, secret.encode(), len(secret)) == (SECRET, SECRET.encode(), len(SECRET))
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("a client").debug("starting with %s", {"sasl_plain_password": secret})
    assert "***" in caplog.text
    assert SECRET not in caplog.text

"""From a URL to an open stream; the one place that knows which streams there are."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from service.errors import ConfigurationError, TopicMissing
from service.settings_security import SecuritySettings
from service.streams.port import Stream
from service.streams.security import client_options

CLIENTS = ("auto", "confluent", "kafka-python")
DEFAULT_PORT = 9092


def open_stream(
    url: str,
    *,
    client: str = "auto",
    options: Mapping[str, Any] | None = None,
    security: SecuritySettings | None = None,
    session_timeout_ms: int = 6000,
    must_exist: bool = False,
) -> Stream:
    """Open the stream at ``sqlite:path`` or ``kafka://host:9092,host2``.

    With ``must_exist`` SQLite, too, makes neither a file nor topics.

    Raises
    ------
    ConfigurationError
        The URL, the client or an option is wrong; the message says what was expected.
    Unreachable, NotAuthorized
        The cluster cannot be used as things are.
    TopicMissing
        The file must exist and does not.
    """
    if client not in CLIENTS:
        raise ConfigurationError(f"stream.client is {client!r}; expected one of {', '.join(CLIENTS)}")
    scheme, _, rest = url.partition(":")
    if scheme == "sqlite" and rest:
        from service.streams.sqlite import SqliteStream

        if must_exist and not Path(rest).exists():
            raise TopicMissing(f"{rest}: there is no such file; perceptron produce or run makes it")
        return SqliteStream(rest, session_timeout_ms, must_exist)
    if scheme == "kafka" and rest.startswith("//"):
        servers = kafka_servers(url)
        secured = client_options(security or SecuritySettings(), servers, options or {})
        return _open_kafka(servers, client, secured, session_timeout_ms)
    raise _wrong(url)


def kafka_servers(url: str) -> str:
    """Return the bootstrap servers of a ``kafka://`` URL, each with its port."""
    hosts = url.removeprefix("kafka://").rstrip("/").split(",")
    return ",".join(_with_port(host.strip(), url) for host in hosts)


def _with_port(host: str, url: str) -> str:
    name, colon, port = host.rpartition(":")
    if not colon or host.endswith("]"):  # [::1] is a name, not a port
        name, port = host, str(DEFAULT_PORT)
    if not name or not port.isdecimal() or not 0 < int(port) < 65536 or set("/@?# ") & set(name):
        raise _wrong(url)
    return f"{name}:{port}"


def _open_kafka(servers: str, client: str, options: Mapping[str, Any], session_timeout_ms: int) -> Stream:
    installed = find_spec("confluent_kafka") is not None
    if client == "confluent" and not installed:
        raise ConfigurationError(
            "stream.client is 'confluent', but confluent-kafka is not installed: "
            "install perceptron-stream[fast], or set stream.client to 'auto'"
        )
    if client == "kafka-python" or not installed:
        from service.streams.kafka_python import KafkaPythonStream

        return KafkaPythonStream(servers, options, session_timeout_ms)
    from service.streams.confluent import ConfluentStream

    return ConfluentStream(servers, options, session_timeout_ms)


def _wrong(url: str) -> ConfigurationError:
    shown = "kafka://... with credentials in it" if "@" in url else repr(url)
    return ConfigurationError(
        f"stream.url is {shown}; expected sqlite:PATH or kafka://HOST[:PORT][,HOST[:PORT]...], "
        "credentials belong in stream.security"
    )

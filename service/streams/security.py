"""From ``stream.security`` to the options of a Kafka client, in confluent's spelling; secrets are read here.

Do: read files, check what can be checked without connecting. Do not: connect, keep or show a secret.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.errors import ConfigurationError
from service.settings_security import LOOPBACK, SECRETS, SecuritySettings
from service.streams.kafka_common import dotted

SETTINGS = {
    "security.protocol": "protocol",
    "sasl.mechanism": "mechanism",
    "sasl.username": "username",
    "sasl.password": "password",
    "ssl.ca.location": "ca_file",
    "ssl.certificate.location": "certificate_file",
    "ssl.key.location": "key_file",
    "ssl.key.password": "key_password",
    "sasl.oauthbearer.token.endpoint.url": "token_url",
    "sasl.oauthbearer.client.id": "client_id",
    "sasl.oauthbearer.client.secret": "client_secret",
    "sasl.oauthbearer.scope": "scope",
}
ALSO = {
    "sasl.mechanisms": "sasl.mechanism",
    "ssl.ca.pem": "ssl.ca.location",
    "ssl.certificate.pem": "ssl.certificate.location",
    "ssl.key.pem": "ssl.key.location",
    "ssl.keystore.location": "ssl.key.location",
    "ssl.context": "ssl.ca.location",
    "sasl.oauth.token.provider": "sasl.oauthbearer.token.endpoint.url",
}
"""Raw options that say the same in another way."""


class Secret(str):
    """A text that no log or message shows by itself; clients take it as the text that it is."""

    def __repr__(self) -> str:
        return "'***'"


def client_options(security: SecuritySettings, servers: str, raw: Mapping[str, Any]) -> dict[str, Any]:
    """Return all options of the client: the raw ones, and what ``stream.security`` says.

    Raises
    ------
    ConfigurationError
        Both say the same, a file can't be used, or a password would be sent in the clear.
    """
    said = _said(security)
    ours = {option: said[name] for option, name in SETTINGS.items() if name in said}
    _refuse_both(ours, raw)
    if security.protocol == "SASL_PLAINTEXT":
        _refuse_strangers(servers)
    if security.is_tls:
        _check_tls(security, ours.get("ssl.key.password", ""))
    if security.mechanism == "OAUTHBEARER":
        ours |= {"sasl.oauthbearer.method": "oidc"}
    return {**raw, **ours}


def _said(security: SecuritySettings) -> dict[str, Any]:
    """Return what is set, with secrets in the clear."""
    plain = {name: getattr(security, name) for name in set(SETTINGS.values()) - SECRETS}
    secrets = {name: _secret(security, name) for name in SECRETS}
    return {name: value for name, value in {**plain, **secrets}.items() if value}


def _secret(security: SecuritySettings, name: str) -> Secret | None:
    """Return a secret, from the settings or from its file."""
    if value := getattr(security, name):
        return Secret(value.get_secret_value())
    file = getattr(security, f"{name}_file")
    if not file:
        return None
    with _using(f"{name}_file", file):
        text = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    if not text:
        raise ConfigurationError(f"stream.security.{name}_file: {file} is empty")
    return Secret(text)


def _refuse_both(ours: Mapping[str, Any], raw: Mapping[str, Any]) -> None:
    for theirs in raw:
        (option,) = dotted({theirs: None})
        option = ALSO.get(option, option)
        if option in ours:
            raise ConfigurationError(
                f"stream.security.{SETTINGS[option]} and {theirs} in stream.kafka say the same: keep one"
            )


def _refuse_strangers(servers: str) -> None:
    """Raise unless every broker is on this machine: on a network others could read along."""
    for server in servers.split(","):
        host = server.rpartition(":")[0].strip("[]")
        if not LOOPBACK.fullmatch(host):
            raise ConfigurationError(
                f"stream.security.protocol is SASL_PLAINTEXT, which would send credentials to {host} in the "
                "clear: use SASL_SSL (localhost, 127.0.0.0/8 and ::1 may go without)"
            )


def _check_tls(security: SecuritySettings, key_password: str) -> None:
    """Load the files as a client will, but say which one is at fault."""
    context = ssl.create_default_context()
    if security.ca_file:
        with _using("ca_file", security.ca_file):
            context.load_verify_locations(security.ca_file)
    if security.certificate_file and security.key_file:
        with _using("certificate_file", security.certificate_file):
            context.load_verify_locations(security.certificate_file)
        with _using("key_file (with its password, for this certificate)", security.key_file):
            context.load_cert_chain(security.certificate_file, security.key_file, lambda: key_password)


@contextmanager
def _using(name: str, file: str) -> Iterator[None]:
    """Name the setting of a file that is of no use; what is in it is not told."""
    try:
        yield
    except (OSError, ValueError) as error:
        what = getattr(error, "reason", None) if isinstance(error, ssl.SSLError) else None
        what = what or getattr(error, "strerror", None) or "it is not text"
        raise ConfigurationError(f"stream.security.{name}: {file} can't be used: {what}") from None

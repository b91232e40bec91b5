"""A broker with TLS, every kind of login and an authoriser: only what was granted is allowed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from kafka import KafkaAdminClient
from kafka.admin import UserScramCredentialUpsertion

from service.streams.select import open_stream
from tests.kafka_broker import broker_from_jars, free_port
from tests.service.guarded_broker import Guarded
from tests.service.token_server import TokenServer, token_server

PEOPLE = ("learner", "producer", "consumer")
SECRET = "correct-horse"
WAYS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER", "certificate")


@dataclass(frozen=True)
class Secured(Guarded):
    """The broker: ``address`` for logins, ``mutual`` for certificates; its owner may do everything."""

    address: str
    mutual: str
    tokens: TokenServer
    home: Path

    def file(self, name: str) -> str:
        """Return the path of ``ca.pem``, ``stranger.pem``, ``secret``, ``<person>.pem`` or ``.key``."""
        return str(self.home / name)

    def url(self, way: str) -> str:
        """Return where to connect."""
        return f"kafka://{self.mutual if way == 'certificate' else self.address}"

    def settings(self, way: str, who: str) -> dict[str, str]:
        """Return the settings ``stream.security`` of a person."""
        trust = {"ca_file": self.file("ca.pem")}
        if way == "certificate":
            own = {"certificate_file": self.file(f"{who}.pem"), "key_file": self.file(f"{who}.key")}
            return {**trust, **own, "protocol": "SSL", "key_password_file": self.file("secret")}
        login = {**trust, "protocol": "SASL_SSL", "mechanism": way}
        if way == "OAUTHBEARER":
            return {
                **login,
                "token_url": self.tokens.url,
                "client_id": who,
                "client_secret": SECRET,
                "scope": "kafka",
            }
        return {**login, "username": who, "password": SECRET}


@contextmanager
def secured_broker(home: Path) -> Iterator[Secured]:
    """Yield a running one; raises NoBrokerError where none can be had."""
    make_certificates(home)
    address, mutual = (f"127.0.0.1:{free_port()}" for _ in range(2))
    with ExitStack() as stack:
        plain = stack.enter_context(broker_from_jars(broker_settings(address, mutual, home)))
        owner = stack.enter_context(open_stream(f"kafka://{plain}"))
        admin: Any = KafkaAdminClient(bootstrap_servers=plain)
        stack.callback(admin.close)
        for mechanism in ("SCRAM-SHA-256", "SCRAM-SHA-512"):
            users = [UserScramCredentialUpsertion(who, mechanism, SECRET) for who in PEOPLE]
            assert set(admin.alter_user_scram_credentials(users).values()) == {None}
        tokens = stack.enter_context(token_server(SECRET))
        yield Secured(owner, admin, address, mutual, tokens, home)


def make_certificates(home: Path) -> None:
    """Write an authority, one that nobody trusts, and certificates with keys as Java takes them."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(home / "ca.pem")
    trustme.CA().cert_pem.write_to_path(home / "stranger.pem")
    (home / "secret").write_text(SECRET + "\n")
    server = authority.issue_cert("127.0.0.1")
    chain = b"".join(pem.bytes() for pem in server.cert_chain_pems)
    (home / "broker.pem").write_bytes(pkcs8(server, None) + chain)
    for who in PEOPLE:
        own = authority.issue_cert(f"{who}.example", common_name=who)
        (home / f"{who}.pem").write_bytes(b"".join(pem.bytes() for pem in own.cert_chain_pems))
        (home / f"{who}.key").write_bytes(pkcs8(own, SECRET))


def pkcs8(certificate: trustme.LeafCert, password: str | None) -> bytes:
    """Return the key of a certificate."""
    key = load_pem_private_key(certificate.private_key_pem.bytes(), None)
    how = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how)


def broker_settings(address: str, mutual: str, home: Path) -> dict[str, str]:
    """Return what turns the broker of the other tests into this one."""
    users = " ".join(f'user_{who}="{SECRET}"' for who in PEOPLE)
    common = "org.apache.kafka.common.security"
    scram = f"{common}.scram.ScramLoginModule required;"
    bearer = f"{common}.oauthbearer.OAuthBearerLoginModule required"
    logins = {
        "plain": f"{common}.plain.PlainLoginModule required {users};",
        "scram-sha-256": scram,
        "scram-sha-512": scram,
        "oauthbearer": f'{bearer} unsecuredLoginStringClaim_sub="broker";',
    }
    listeners = f"SECURED://{address},MUTUAL://{mutual}"
    return {
        "listeners": listeners,
        "advertised.listeners": listeners,
        "listener.security.protocol.map": "SECURED:SASL_SSL,MUTUAL:SSL",
        "listener.name.secured.sasl.enabled.mechanisms": ",".join(logins).upper(),
        **{f"listener.name.secured.{name}.sasl.jaas.config": login for name, login in logins.items()},
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(home / "broker.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(home / "ca.pem"),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^.*CN=([a-z]+).*$/$1/",
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": "User:ANONYMOUS",  # whoever comes by the other listeners
    }

"""The settings ``stream.security``: TLS and login at a Kafka broker, by one set of names for both clients."""

from __future__ import annotations

import re
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

LOOPBACK = re.compile(r"localhost|127(\.\d{1,3}){3}|::1", re.IGNORECASE)


class SecuritySettings(BaseModel):
    """TLS and login at a Kafka broker, for either client."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] | None = Field(
        None, description="PLAINTEXT (the default), SSL, SASL_SSL, or SASL_PLAINTEXT (within this machine)"
    )
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"] | None = Field(
        None, description="of the login: PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or OAUTHBEARER"
    )
    username: str | None = Field(None, description="for PLAIN and SCRAM")
    password: SecretStr | None = Field(None, description="for PLAIN and SCRAM; or in password_file")
    password_file: str | None = Field(None, description="file that holds the password and nothing else")
    ca_file: str | None = Field(None, description="PEM file of who vouches for brokers; else the system's")
    certificate_file: str | None = Field(None, description="PEM file of our own certificate and its chain")
    key_file: str | None = Field(None, description="PEM file of that certificate's key")
    key_password: SecretStr | None = Field(None, description="of the key_file; or in key_password_file")
    key_password_file: str | None = Field(None, description="file that holds key_password and nothing else")
    token_url: str | None = Field(None, description="for OAUTHBEARER: https address that gives out tokens")
    client_id: str | None = Field(None, description="for OAUTHBEARER: who asks for a token")
    client_secret: SecretStr | None = Field(None, description="for OAUTHBEARER; or in client_secret_file")
    client_secret_file: str | None = Field(None, description="file that holds client_secret and nothing else")
    scope: str | None = Field(None, description="for OAUTHBEARER: what the token is to be good for")

    @property
    def is_tls(self) -> bool:
        """Whether what is sent is encrypted."""
        return self.protocol in ("SSL", "SASL_SSL")

    @property
    def is_login(self) -> bool:
        """Whether a name and a secret are sent."""
        return self.protocol in ("SASL_PLAINTEXT", "SASL_SSL")

    @field_validator("token_url")
    @classmethod
    def _tokens_over_tls(cls, url: str | None) -> str | None:
        parts = urlsplit(url or "https://none")
        is_here = parts.scheme == "http" and LOOPBACK.fullmatch(parts.hostname or "")
        if not parts.hostname or parts.username is not None or not (parts.scheme == "https" or is_here):
            raise ValueError("https://HOST/PATH without credentials was expected; http within this machine")
        return url

    @model_validator(mode="after")
    def _fits_together(self) -> SecuritySettings:
        given = {name for name in type(self).model_fields if getattr(self, name)}
        said = {
            name.removesuffix("_file") if name.removesuffix("_file") in SECRETS else name for name in given
        }
        needed, usable = self._needed(said), self._usable()
        if idle := sorted(said - usable):
            raise ValueError(f"{self._way()} makes no use of {', '.join(idle)}")
        if missing := [name for name in needed if name not in said]:
            raise ValueError(f"{self._way()} needs {' and '.join(missing)}, too")
        if twice := sorted(name for name in SECRETS & given if f"{name}_file" in given):
            raise ValueError(f"{twice[0]} and {twice[0]}_file are both set: keep one")
        return self

    def _needed(self, said: set[str]) -> list[str]:
        login = ["mechanism", *LOGIN.get(self.mechanism or "", ())] if self.is_login else []
        return login + [name for name in OWN_CERTIFICATE if said & {*OWN_CERTIFICATE, "key_password"}]

    def _usable(self) -> set[str]:
        tls = {"ca_file", "key_password", *OWN_CERTIFICATE} if self.is_tls else set()
        login = {"mechanism", *LOGIN.get(self.mechanism or "", ())} if self.is_login else set()
        return {"protocol"} | tls | login | ({"scope"} if "client_id" in login else set())

    def _way(self) -> str:
        by = f" with mechanism {self.mechanism}" if self.is_login and self.mechanism else ""
        return f"protocol {self.protocol or 'PLAINTEXT'}{by}"


OWN_CERTIFICATE = ("certificate_file", "key_file")
LOGIN = {
    **dict.fromkeys(("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"), ("username", "password")),
    "OAUTHBEARER": ("token_url", "client_id", "client_secret"),
}
"""What each mechanism asks for."""

SECRETS = frozenset(
    name for name, field in SecuritySettings.model_fields.items() if SecretStr in get_args(field.annotation)
)
"""What is never shown, and may be in a file of its own."""

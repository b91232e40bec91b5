"""Tokens for kafka-python's OAUTHBEARER, by client credentials (RFC 6749, 4.4); librdkafka has its own."""

from __future__ import annotations

import base64
import json
import ssl
import threading
import time
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from kafka.net.sasl.oauth import AbstractTokenProvider

from service.errors import NotAuthorized, PerceptronError, Unreachable

TIMEOUT_S = 5.0
MAX_BYTES = 1_000_000
RENEW_AT = 0.8  # of a token's life

OIDC = (
    "sasl_oauthbearer_token_endpoint_url",
    "sasl_oauthbearer_client_id",
    "sasl_oauthbearer_client_secret",
    "sasl_oauthbearer_scope",
    "https_ca_location",
)
"""librdkafka's names for what a :class:`TokenProvider` takes."""


class Stay(HTTPRedirectHandler):
    """Follows no redirection: it would take the client's secret elsewhere."""

    def redirect_request(self, *told: Any) -> None:
        """Go nowhere."""


class TokenProvider(AbstractTokenProvider):  # type: ignore[misc]
    """Fetches a token, and keeps it for most of its life."""

    def __init__(self, url: str, client_id: str, client_secret: str, scope: str, ca_file: str) -> None:
        super().__init__()
        self._url = url
        login = base64.b64encode(f"{quote_plus(client_id)}:{quote_plus(client_secret)}".encode()).decode()
        self._headers = {"Authorization": f"Basic {login}", "Accept": "application/json"}
        self._form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        within_this_machine = [ProxyHandler({})] if url.startswith("http:") else []
        https = HTTPSHandler(context=ssl.create_default_context(cafile=ca_file or None))
        self._opener = build_opener(Stay, https, *within_this_machine)
        self._lock = threading.Lock()
        self._token, self._renew_at, self._ends_at = "", 0.0, 0.0

    def token(self) -> str:
        """Return a token that is good for a while.

        Raises
        ------
        Unreachable, NotAuthorized
            There is none to be had, and the last one has expired.
        """
        with self._lock:
            if time.monotonic() >= self._renew_at:
                try:
                    self._renew()
                except PerceptronError:
                    if time.monotonic() >= self._ends_at:
                        raise
            return self._token

    def _renew(self) -> None:
        now = time.monotonic()
        answer = self._ask()
        try:
            token, life_s = str(answer["access_token"]), float(answer.get("expires_in", 60))
        except (KeyError, TypeError, ValueError):
            raise NotAuthorized(
                f"{self._url} answered without access_token and expires_in: correct stream.security.token_url"
            ) from None
        self._token, self._renew_at, self._ends_at = token, now + RENEW_AT * life_s, now + life_s

    def _ask(self) -> Mapping[str, Any]:
        request = Request(self._url, urlencode(self._form).encode(), self._headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                answer = json.loads(response.read(MAX_BYTES))
        except HTTPError as error:
            error.close()
            raise NotAuthorized(
                f"{self._url} gives no token ({error.code} {error.reason}): correct token_url, client_id, "
                "client_secret or scope in stream.security"
            ) from None
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise Unreachable(f"no token from stream.security.token_url {self._url}: {reason}") from None
        return answer if isinstance(answer, dict) else {}


def with_provider(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return options with librdkafka's names for an OIDC login replaced by a provider, where they are."""
    if options.get("sasl_oauthbearer_method") != "oidc":
        return dict(options)
    told = (str(options.get(name, "")) for name in OIDC)
    rest = {name: value for name, value in options.items() if name not in (*OIDC, "sasl_oauthbearer_method")}
    return {**rest, "sasl_oauth_token_provider": TokenProvider(*told)}

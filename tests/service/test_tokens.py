"""The tokens that kafka-python logs in with: asked for once in their life, of one address, by checked TLS."""

from __future__ import annotations

import ssl
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from service.errors import NotAuthorized, PerceptronError, Unreachable
from service.streams import kafka_python_token
from service.streams.kafka_python_token import TokenProvider, with_provider
from tests.service.token_server import TokenServer, token_server

SECRET = "s:cr&t/ü-and-more"  # never in a line that a traceback shows


@pytest.fixture
def server() -> Iterator[TokenServer]:
    with token_server(SECRET) as running:
        yield running


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the time, to be set."""
    now = [1000.0]
    monkeypatch.setattr(kafka_python_token.time, "monotonic", lambda: now[0])
    return now


def provider(server: TokenServer, secret: str = SECRET, scope: str = "", ca_file: str = "") -> TokenProvider:
    return TokenProvider(server.url, "me", secret, scope, ca_file)


def test_a_token_is_kept_for_most_of_its_life(server: TokenServer, clock: list[float]) -> None:
    asking = provider(server, scope="kafka")
    first = asking.token()
    clock[0] += 0.79 * server.life_s
    assert asking.token() is first
    assert server.asked == [{"grant_type": ["client_credentials"], "scope": ["kafka"]}]
    clock[0] += 0.02 * server.life_s
    asking.token()
    assert len(server.asked) == 2


def test_the_last_token_is_used_while_it_is_good_and_no_longer(
    server: TokenServer, clock: list[float]
) -> None:
    asking = provider(server)
    first = asking.token()
    server.answer = (503, {}, b"")
    clock[0] += 0.9 * server.life_s
    assert asking.token() == first
    clock[0] += 0.2 * server.life_s
    with pytest.raises(NotAuthorized, match="503"):
        asking.token()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((200, {}, b"no json"), "no token from"),
        ((200, {}, b"[]"), "without access_token"),
        ((200, {}, b'{"access_token": "a", "expires_in": "soon"}'), "without access_token"),
        ((500, {}, SECRET.encode()), "gives no token"),
    ],
)
def test_an_answer_without_a_token_is_told_with_its_address(
    server: TokenServer, answer: Any, told: str
) -> None:
    server.answer = answer
    with pytest.raises(PerceptronError, match=told) as caught:
        provider(server).token()
    assert server.url in str(caught.value)
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_a_wrong_secret_is_told_and_not_shown(server: TokenServer) -> None:
    with pytest.raises(NotAuthorized, match=r"401.*client_secret or scope in stream\.security") as caught:
        provider(server, secret=f"not {SECRET}").token()
    assert SECRET not in "".join(traceback.format_exception(caught.value))


def test_the_secret_does_not_follow_a_redirection(server: TokenServer) -> None:
    with token_server(SECRET) as elsewhere:
        server.answer = (302, {"Location": elsewhere.url}, b"")
        with pytest.raises(NotAuthorized, match="302"):
            provider(server).token()
        assert not elsewhere.asked


def test_nor_does_it_go_to_a_proxy_in_the_clear(server: TokenServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with token_server(SECRET) as proxy:
        monkeypatch.setenv("http_proxy", proxy.url)
        assert provider(server).token()
        assert not proxy.asked


def test_nobody_there_is_told_as_such(server: TokenServer) -> None:
    asking = TokenProvider("http://127.0.0.1:1/token", "me", SECRET, "", "")
    with pytest.raises(Unreachable, match=r"stream\.security\.token_url http://127\.0\.0\.1:1/token"):
        asking.token()


def test_the_token_server_must_be_the_one_it_says(tmp_path: Path) -> None:
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    with token_server(SECRET, tls=context) as server:
        url = f"https://localhost:{server.server_port}/token"
        with pytest.raises(Unreachable, match="certificate verify failed"):
            TokenProvider(url, "me", SECRET, "", "").token()
        assert TokenProvider(url, "me", SECRET, "", str(tmp_path / "ca.pem")).token()


def test_the_names_of_the_other_client_make_a_provider() -> None:
    login = {
        "sasl_oauthbearer_method": "oidc",
        "sasl_oauthbearer_token_endpoint_url": "https://idp.example/t",
    }
    made = with_provider(
        {**login, "sasl_oauthbearer_client_id": "me", "linger_ms": 3, "https_ca_location": ""}
    )
    assert isinstance(made.pop("sasl_oauth_token_provider"), TokenProvider)
    assert made == {"linger_ms": 3}
    assert with_provider({"linger_ms": 3}) == {"linger_ms": 3}

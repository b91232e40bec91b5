"""A network that cuts, loses and holds back: what is left is what a run that never stopped leaves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from tests.faults.broker.network_faults import Api, Cut, CutReply, Fault, Hold, Lose
from tests.faults.broker.proxy import Proxy
from tests.faults.broker.proxy_campaign import BATCH, EVERY, OVERTAKEN, RECORDS, Episode, proxied_broker
from tests.kafka_broker import NoBrokerError, give_up

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

Network = tuple[str, str, Proxy]


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    running = proxied_broker()
    try:
        network = running.__enter__()
    except NoBrokerError as error:
        give_up(f"no broker behind a proxy: {error}")
    try:
        yield network
    finally:
        running.__exit__(None, None, None)


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent":
        pytest.importorskip("confluent_kafka")
    return str(request.param)


def learned_through(network: Network, client: str, script: Sequence[Sequence[Fault]]) -> Episode:
    """Learn just so many records that every fault of the script has its turn."""
    episode = Episode(client, script, records=RECORDS[: BATCH * EVERY * (len(script) + 2)])
    episode.run(*network)
    assert len(episode.happened) == sum(map(len, script))
    assert not episode.findings, episode.findings
    return episode


def test_an_end_that_is_held_back_never_meets_a_later_transaction(network: Network, client: str) -> None:
    holds = [Hold(Api.END_TXN, until, cut=True) for until in OVERTAKEN if until is not Api.END_TXN]
    aborted = Hold(Api.END_TXN, Api.PRODUCE)
    learned_through(network, client, [*([hold] for hold in holds), [Lose(Api.TXN_OFFSET_COMMIT), aborted]])
    refused = {"error 47", "error 90"}  # INVALID_PRODUCER_EPOCH, PRODUCER_FENCED
    assert {hold.outcome for hold in (*holds, aborted)} <= refused


def test_an_end_whose_answer_is_lost_took_effect_once(network: Network, client: str) -> None:
    learned_through(network, client, [[Lose(Api.END_TXN)], [CutReply(Api.END_TXN)]])


def test_an_end_that_is_cut_off_took_effect_once(network: Network, client: str) -> None:
    learned_through(network, client, [[Cut(Api.END_TXN, reset=True)], [Cut(Api.END_TXN, reset=False)]])

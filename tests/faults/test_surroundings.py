"""The world around a learner: its topics, other people's transactions, records that nobody should send."""

from __future__ import annotations

import pytest

from tests.faults.broker import hanging, poison, topics
from tests.faults.broker.sites import site

pytestmark = [pytest.mark.kafka, pytest.mark.slow]

MADE_ANEW = [  # the campaign does all of them
    "samples made anew, stopped",
    "samples made anew, running",
    "model made anew, running",
    "predictions made anew, running",
    "samples cut past the head",
]


@pytest.fixture(params=["confluent", "kafka-python"])
def client(request: pytest.FixtureRequest) -> str:
    if request.param == "confluent":
        pytest.importorskip("confluent_kafka")
    return str(request.param)


@pytest.mark.parametrize("fault", MADE_ANEW)
def test_no_topic_is_cut_or_made_anew_unnoticed(kafka_bootstrap: str, client: str, fault: str) -> None:
    with site(kafka_bootstrap, client) as where:
        assert topics.FAULTS[fault](where) == []


def test_whoever_hides_the_samples_is_named_and_waited_for(kafka_bootstrap: str, client: str) -> None:
    with site(kafka_bootstrap, client) as where:
        assert hanging.on_the_samples(where, commits=client == "confluent") == []


def test_poison_is_answered_once_and_blocks_nothing(kafka_bootstrap: str, client: str) -> None:
    with site(kafka_bootstrap, client, configs=poison.ROOMY) as where:
        assert poison.swallowed(where, seed=1, count=400) == []

"""The metrics: what they count, that Prometheus likes them, and that a real one scrapes them."""

from __future__ import annotations

import json
import math
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import quote
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.board import Board
from service.engine import Engine
from service.http import metrics, metrics_now
from service.http.metrics import Metrics
from service.observer import Commit, Observers
from service.settings import Settings
from service.streams.port import Output, Stream
from service.streams.sqlite import SqliteStream
from service.topics import topic_specs
from tests.contracts.rig import wait_until
from tests.corpus import Case, cases, plain_loop, settings
from tests.rig_faults import ABORTED, WRITTEN, ScriptedStream
from tests.service.promtool import DEPLOY, found, promtool

RECORDS = cases(600)
CHOSEN = settings(engine={"max_batch": 50})
SAMPLES = (CHOSEN.topics.samples, 0)


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[Stream]:
    with SqliteStream(str(tmp_path / "stream.db"), 1500) as opened:
        opened.create_topics(topic_specs(CHOSEN))
        yield opened


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.engine.FIRST_BACKOFF_S", 0.0)


def learned(stream: Any, records: list[Case] = RECORDS, chosen: Settings = CHOSEN) -> Metrics:
    """Let an engine learn records, and return what it was seen to do."""
    keys, values = [case.key for case in records], [case.value for case in records]
    stream.append([Output(*SAMPLES, keys, values)])
    board = Board(chosen)
    seen = Metrics(board, stream.client)
    Engine(stream, chosen, observer=Observers(board, seen)).run(until_end=True)
    return seen


def told(seen: Metrics) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the values by name and labels, in the order of the labels' names."""
    found: dict[str, dict[tuple[str, ...], float]] = {}
    for family in text_string_to_metric_families(seen.text().decode()):
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            found.setdefault(sample.name, {})[labels] = sample.value
    return found


def test_what_a_run_did_is_counted(stream: Stream) -> None:
    values, expected = told(learned(stream)), plain_loop(RECORDS, CHOSEN)
    predicted, rejected = len(expected.predictions), len(expected.dead)
    assert values["perceptron_samples_total"] == {("predicted",): predicted, ("rejected",): rejected}
    reasons = {reason: count for (reason,), count in values["perceptron_rejections_total"].items()}
    assert set(reasons) == set(metrics.REASONS), "each is there from the start, and there are no others"
    assert sum(reasons.values()) == rejected
    for name in ("batch_seconds", "commit_seconds", "commit_records"):
        assert values[f"perceptron_{name}_count"] == {(): 12}
    assert values["perceptron_commit_records_sum"] == {(): 600}
    assert values["perceptron_takeovers_total"] == values["perceptron_takeover_seconds_count"] == {(): 1}
    assert values["perceptron_model_sequence"] == {(): 12}
    assert values["perceptron_metric"]["samples", "all"] == values["perceptron_model_version"][()]
    assert time.time() - values["perceptron_last_commit_timestamp_seconds"][()] < 600
    assert values["perceptron_role"]["stopped",] == 1 == sum(values["perceptron_role"].values())
    [about] = values["perceptron_info"]
    assert stream.client in about


def test_counts_begin_anew_with_the_process_and_the_model_goes_on(stream: Stream) -> None:
    first = told(learned(stream, RECORDS[:400]))
    second = told(learned(stream, RECORDS[400:]))
    assert sum(second["perceptron_samples_total"].values()) == 200
    assert second["perceptron_model_version"][()] > first["perceptron_model_version"][()]
    assert second["perceptron_metric"]["samples", "all"] == second["perceptron_model_version"][()]


@pytest.mark.parametrize(("fault", "kind"), [(ABORTED, "Aborted"), (WRITTEN, "InDoubt")])
def test_a_sample_counts_once_whatever_becomes_of_its_commit(stream: Stream, fault: str, kind: str) -> None:
    values = told(learned(ScriptedStream(stream, [None, None, fault])))
    assert sum(values["perceptron_samples_total"].values()) == len(RECORDS)
    assert {kind: 1.0} == {
        name: count for (name,), count in values["perceptron_recoveries_total"].items() if count
    }
    assert values["perceptron_takeovers_total"] == {(): 2}


def test_a_commits_age_is_from_when_its_last_sample_was_produced(stream: Stream) -> None:
    seen = learned(stream)
    commit = seen._now._board.last_commit
    assert commit is not None
    produced_ms = int(1000 * (time.time() - 20))
    seen.on_commit(Commit(commit.head, {}, newest_ms={SAMPLES: produced_ms}))
    values = told(seen)
    assert values["perceptron_event_age_seconds_count"] == {(): 1}
    assert 20 <= values["perceptron_event_age_seconds_sum"][()] < 80


def test_only_who_reads_the_input_tells_how_far_behind_it_is() -> None:
    board = Board(CHOSEN)
    seen = Metrics(board)
    board.on_role("owner", "")
    board.on_idle({SAMPLES: 7})
    assert told(seen)["perceptron_lag_records"] == {("0", SAMPLES[0]): 7}
    board.on_role("standby", "")
    assert "perceptron_standby_lag_seconds" not in told(seen)
    seen.on_caught_up()
    values = told(seen)
    assert "perceptron_lag_records" not in values
    assert 0 <= values["perceptron_standby_lag_seconds"][()] < 60


def test_before_the_first_commit_there_is_no_model_to_tell_of() -> None:
    values = told(Metrics(Board(CHOSEN)))
    assert not {"perceptron_model_version", "perceptron_weight_norm", "perceptron_metric"} & values.keys()
    assert values["perceptron_ready"] == {(): 0}
    assert values["perceptron_last_commit_timestamp_seconds"] == {(): 0}


def test_the_norm_is_that_of_the_committed_weights_and_looked_up_now_and_then(
    stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = learned(stream)
    board = seen._now._board
    weights = board.model.read(lambda head, learner: list(learner.model.weights_by_identity().values()))
    assert weights is not None
    norm = math.sqrt(sum(weight * weight for weight in weights))
    assert told(seen)["perceptron_weight_norm"] == {(): pytest.approx(norm, rel=1e-12)}
    reads: list[Any] = []
    monkeypatch.setattr(board.model, "read", lambda question: reads.append(question) or 1.5)
    assert told(seen)["perceptron_weight_norm"] == {(): pytest.approx(norm, rel=1e-12)}
    assert not reads
    monkeypatch.setattr(metrics_now, "NORM_EVERY_S", 0.0)
    assert told(seen)["perceptron_weight_norm"] == {(): 1.5}
    monkeypatch.setattr(metrics_now, "NORM_FEATURES", 10)
    assert "perceptron_weight_norm" not in told(seen)


def test_no_label_grows_with_the_data(stream: Stream) -> None:
    few, many = (told(learned(stream, records)) for records in (RECORDS[:300], RECORDS[300:]))
    assert {name: rows.keys() for name, rows in few.items() if name.startswith("perceptron_")} == {
        name: rows.keys() for name, rows in many.items() if name.startswith("perceptron_")
    }


def test_promtool_finds_nothing_to_better(stream: Stream) -> None:
    promtool("check", "metrics", stdin=learned(stream).text())


# A real Prometheus, with the files that are shipped


@contextmanager
def served(seen: Metrics, token: str) -> Iterator[int]:
    """Serve metrics at a free port, to whoever has the token."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = self.path == "/metrics" and self.headers["Authorization"] == f"Bearer {token}"
            self.send_response(200 if allowed else 401)
            self.send_header("Content-Type", seen.content_type)
            self.end_headers()
            self.wfile.write(seen.text() if allowed else b"")

        def log_message(self, *words: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


@contextmanager
def prometheus(home: Path, target: str, token: str) -> Iterator[str]:
    """Run Prometheus with our configuration on a target, and yield its address."""
    config = (DEPLOY / "prometheus" / "prometheus.yml").read_text(encoding="utf-8")
    assert "learner:8080" in config
    for before, after in [("learner:8080", target), ("_interval: 5s", "_interval: 1s"), ("15s", "1s")]:
        config = config.replace(before, after)
    config = config.replace("/run/secrets/http-token", str(home / "token"))
    (home / "token").write_text(f"{token}\n")
    (home / "prometheus.yml").write_text(config)
    (home / "alerts.yml").write_bytes((DEPLOY / "prometheus" / "alerts.yml").read_bytes())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
    files = [f"--config.file={home / 'prometheus.yml'}", f"--storage.tsdb.path={home / 'data'}"]
    words = [found("prometheus"), *files, f"--web.listen-address={address}", "--log.level=warn"]
    process = subprocess.Popen(words, cwd=home, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield f"http://{address}"
    finally:
        process.terminate()
        process.wait(30)


def asked(address: str, path: str) -> Any:
    """Return what Prometheus answers, None where it does not yet."""
    try:
        with urlopen(f"{address}/api/v1/{path}", timeout=10) as answer:
            return json.load(answer)["data"]
    except (URLError, ConnectionError, TimeoutError):
        return None


def test_a_real_prometheus_scrapes_it_and_knows_the_alerts(stream: Stream, tmp_path: Path) -> None:
    seen, token = learned(stream), "known-to-both-sides"

    def value(query: str) -> list[float]:
        found = asked(address, f"query?query={quote(query)}") or {"result": []}
        return [float(row["value"][1]) for row in found["result"]]

    with served(seen, token) as port, prometheus(tmp_path, f"127.0.0.1:{port}", token) as address:
        wait_until(lambda: value('up{job="perceptron", model="phishing"}') == [1.0], 60)
        assert value("perceptron_model_version") == [told(seen)["perceptron_model_version"][()]]
        assert value("sum(perceptron_samples_total)") == [len(RECORDS)]

        def healths() -> set[str]:
            groups = (asked(address, "rules") or {"groups": []})["groups"]
            return {rule["health"] for group in groups for rule in group["rules"]}

        wait_until(lambda: healths() == {"ok"}, 60)

"""Every command on a stream, from what a producer writes to what a consumer reads."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from tests.service.command_line import answer, perceptron

STREAM = ("--stream", "sqlite:here.db")
LINES = [
    b'{"id": "a", "features": {"x": 1.5, "country": "FR"}, "label": 1}',
    b'{"id":7,"features":{"x":-1},"label":0}\r',
    b"",
    b"no json",
    b"\xff\xfe",
    '{"id": "ключ", "features": {"x": 2}, "label": null, "note": "é"}'.encode(),
]


def learned(home: Path) -> None:
    perceptron(home, "produce", *STREAM, stdin=b"\n".join(LINES))
    perceptron(home, "run", "--until-end", *STREAM)


def test_a_line_stays_as_it_is_on_its_way_through(tmp_path: Path) -> None:
    learned(tmp_path)
    assert perceptron(tmp_path, "consume", "samples", *STREAM).stdout == b"\n".join(LINES) + b"\n"
    refused = perceptron(tmp_path, "consume", "dlq", *STREAM).stdout
    assert refused == b"\n".join(LINES[2:5]) + b"\n"
    predictions = answer(tmp_path, "consume", *STREAM).splitlines()
    assert [json.loads(line)["id"] for line in predictions] == ["a", 7, "ключ"]


def test_whole_records_show_key_headers_and_what_is_no_text(tmp_path: Path) -> None:
    learned(tmp_path)
    lines = answer(tmp_path, "consume", "dlq", "--records", *STREAM).splitlines()
    records = [json.loads(line) for line in lines]
    assert [record["offset"] for record in records] == [0, 1, 2]
    assert records[0]["value"] == ""
    assert records[2]["value_base64"] == "//4="
    assert records[1]["key"] is None
    assert records[1]["headers"]["perceptron.error.reason"] == "not_json"
    assert records[1]["headers"]["perceptron.error.offset"] == "3"
    samples = answer(tmp_path, "consume", "samples", "--records", *STREAM).splitlines()
    assert [json.loads(line)["key"] for line in samples] == ["a", "7", None, None, None, "ключ"]


def test_consume_stops_where_it_is_told_to(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing", *STREAM)
    assert len(answer(tmp_path, "consume", "samples", "--max", "10", *STREAM).splitlines()) == 10
    assert len(answer(tmp_path, "consume", "phishing.samples", *STREAM).splitlines()) == 1250


def test_repeated_samples_keep_ids_of_their_own_and_go_to_the_partition_of_their_key(tmp_path: Path) -> None:
    perceptron(tmp_path, "topics", "create", "--partitions", "3", *STREAM)
    said = answer(tmp_path, "produce", "--dataset", "phishing", "--repeat", "2", *STREAM)
    assert said.startswith("2,500 records to phishing.samples (partition 0: ")
    lines = answer(tmp_path, "consume", "samples", "--records", *STREAM).splitlines()
    records = [json.loads(line) for line in lines]
    assert len({record["key"] for record in records}) == 2500
    # As Java's default partitioner has it.
    homes = {record["key"]: record["partition"] for record in records}
    assert {key: homes[key] for key in KNOWN} == KNOWN


def murmur2(data: bytes) -> int:
    """Return Kafka's hash, written apart from any client."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) // 4 * 4
    for start in range(0, whole, 4):
        k = int.from_bytes(data[start : start + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ (k >> 24)) * m & mask)
    if tail := data[whole:]:
        h = (h ^ int.from_bytes(tail, "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


KNOWN = {f"phishing-{n}": (murmur2(f"phishing-{n}".encode()) & 0x7FFFFFFF) % 3 for n in range(2500)}


def test_produce_keeps_to_its_rate(tmp_path: Path) -> None:
    started = time.monotonic()
    perceptron(tmp_path, "produce", "--rate", "50", *STREAM, stdin=b"{}\n" * 50)
    assert 0.9 < time.monotonic() - started < 10
    assert len(answer(tmp_path, "consume", "samples", *STREAM).splitlines()) == 50


def test_the_model_is_shown_as_it_was_committed(tmp_path: Path) -> None:
    learned(tmp_path)
    shown = json.loads(answer(tmp_path, "model", "show", "--json", *STREAM))
    assert list(shown) == [
        "model", "shard", "version", "sequence", "hash", "next_offsets", "features", "metrics", "bias",
    ]  # fmt: skip
    assert (shown["model"], shown["shard"], shown["version"], shown["sequence"]) == ("phishing", 0, 2, 1)
    assert shown["next_offsets"] == {"phishing.samples": {"0": 6}}
    assert (shown["features"], len(shown["hash"])) == (2, 32)
    text = answer(tmp_path, "model", "show", *STREAM)
    for fact in (shown["hash"], "country=FR", "not_json 3", "kernel"):
        assert fact in text


def test_a_reset_model_starts_where_it_is_told_to(tmp_path: Path) -> None:
    learned(tmp_path)
    perceptron(tmp_path, "run", "--until-end", "--reset-model", "--from", "first", *STREAM)
    shown = json.loads(answer(tmp_path, "model", "show", "--json", *STREAM))
    assert (shown["version"], shown["sequence"]) == (2, 3)
    perceptron(tmp_path, "run", "--until-end", "--reset-model", *STREAM)
    assert json.loads(answer(tmp_path, "model", "show", "--json", *STREAM))["version"] == 0


def test_topics_are_made_and_told(tmp_path: Path) -> None:
    said = answer(tmp_path, "topics", "create", "--partitions", "2", *STREAM)
    assert [line.split()[:2] for line in said.splitlines()] == [
        ["phishing.samples", "2"],
        ["phishing.predictions", "2"],
        ["phishing.dlq", "2"],
        ["phishing.model", "1"],
    ]
    perceptron(tmp_path, "run", "--until-end", *STREAM)


@pytest.mark.parametrize("dataset", ["phishing", "chickweights"])
def test_an_evaluation_learns_what_the_service_learns(tmp_path: Path, dataset: str) -> None:
    task = ("--set", "model.task=regression") if dataset == "chickweights" else ()
    perceptron(tmp_path, "produce", "--dataset", dataset, *STREAM)
    perceptron(tmp_path, "run", "--until-end", *STREAM, *task)
    shown = json.loads(answer(tmp_path, "model", "show", "--json", *STREAM, *task))
    evaluated = json.loads(answer(tmp_path, "evaluate", "--dataset", dataset, "--json"))
    assert evaluated["hash"] == shown["hash"]
    assert evaluated["metrics"] == shown["metrics"]


def test_an_evaluation_says_which_lines_were_refused(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"\n".join(LINES))
    evaluated = json.loads(answer(tmp_path, "evaluate", "lines", "--json"))
    assert evaluated["rejected"]["not_json"]["count"] == 3
    assert evaluated["rejected"]["not_json"]["line"] == 3
    assert "not_json" in answer(tmp_path, "evaluate", "lines")


def test_an_evaluation_is_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    perceptron(tmp_path, "evaluate", "--dataset", "chickweights", "--plot", "curve.png")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
    perceptron(tmp_path, "evaluate", "-", "--plot", "nothing.svg")
    assert b"<svg" in (tmp_path / "nothing.svg").read_bytes()

"""Untrusted input, some of it for every run of the tests; the millions are a campaign of their own."""

from __future__ import annotations

import dis
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from service import careful, model_log, model_state
from service.errors import ConfigurationError, Damaged
from service.learner import Learner
from service.plain import dump, restore
from service.settings_sources import load_settings
from service.streams.port import Output, TopicSpec
from service.streams.sqlite import SqliteStream
from tests.faults.fuzzing import pipelines
from tests.faults.fuzzing.campaign import SHARES, TARGETS, campaign, ready, replay
from tests.faults.fuzzing.model_log import CHOSEN, Log, ModelLogs, Topic, _framed
from tests.faults.fuzzing.records import Side
from tests.faults.fuzzing.samples import CHOSEN as OF_RECORDS
from tests.faults.fuzzing.target import CHUNK, Target, Wrong, case_of, chunk_of, run_chunk

SEED = 2026
CHUNKS = {"records": 5, "model log": 3, "plain restore": 5, "settings": 3, "sqlite file": 2}
"""Some seconds each; the first of a thousand times as many in a campaign of the same seed."""


@pytest.fixture(params=list(TARGETS))
def target(request: pytest.FixtureRequest) -> Iterator[Target]:
    with ready(request.param) as made:
        yield made


def test_no_input_has_an_outcome_that_it_may_not_have(target: Target) -> None:
    for chunk in range(CHUNKS[target.name]):
        tally = run_chunk(target, SEED, chunk)
        assert not tally.failures, "\n".join(map(str, tally.failures))
        assert len(tally.outcomes) > 1, "every input had the same outcome: nothing was tried"


def test_a_case_is_the_same_whenever_it_is_asked_for(target: Target) -> None:
    cases = [repr(case) for case in chunk_of(target, SEED, 1)]
    assert len(set(cases)) > len(cases) / 2
    assert repr(case_of(target, SEED, CHUNK + 17)) == cases[17]


def test_every_target_has_its_share_of_a_campaign() -> None:
    assert SHARES.keys() == TARGETS.keys() == CHUNKS.keys()
    assert sum(SHARES.values()) == pytest.approx(1)


def test_a_campaign_tells_of_each_target_and_its_cases_can_be_run_again() -> None:
    [row] = campaign(1_000, SEED, processes=1, targets=["plain restore"])
    assert (row["inputs"], row["failures"], row["divergences"]) == (1_000, 0, 0)
    assert replay("plain restore", SEED, 3)[0] in str(row["outcomes"])


# The harness itself


class Odd(Target):
    """Has an input that it takes ill: an odd number beyond 1000."""

    name = "odd"

    def begin(self) -> None:
        pass

    def cases(self, source: Any) -> Iterator[int]:
        while True:
            yield int(source.random() * 2000)

    def outcomes(self, case: int) -> list[str]:
        if case > 1000 and case % 2:
            raise Wrong(f"{case} is odd")
        return ["fine"]

    def smaller(self, case: int) -> Iterator[int]:
        yield from range(case // 2, case)


def test_a_failure_is_found_shrunk_and_told_so_that_it_can_be_had_again() -> None:
    found = run_chunk(Odd(), SEED, 2).failures[0]
    assert found.case == 1001
    assert case_of(Odd(), SEED, found.number) % 2 == 1
    assert f"odd seed {SEED} number {found.number}" in str(found)


def lines_of(code: types.CodeType) -> set[int]:
    """Return the lines of a function's body and of those within it."""
    lines = {line for _, line in dis.findlinestarts(code) if line and line > code.co_firstlineno}
    return lines.union(*(lines_of(inner) for inner in code.co_consts if isinstance(inner, types.CodeType)))


def lines_reached(target: Target, file: str | None) -> set[int]:
    """Return the lines of a file that some cases reach."""
    reached: set[int] = set()

    def note(frame: types.FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != file:
            return None
        reached.add(frame.f_lineno)
        return note

    case_of(target, SEED, 0)  # makes what it keeps
    sys.settrace(note)
    try:
        for chunk in range(2):
            run_chunk(target, SEED, chunk)
    finally:
        sys.settrace(None)
    return reached


@pytest.mark.parametrize(
    ("name", "module", "judges"),
    [
        ("records", careful, vars(careful.Careful) | vars(careful)),
        ("model log", model_state, {**vars(model_state), **vars(model_state.ModelState)}),
    ],
)
def test_the_inputs_reach_every_line_that_judges_them(
    name: str, module: types.ModuleType, judges: dict[str, Any]
) -> None:
    names = JUDGES[name]
    wanted = set[int]().union(*(lines_of(judges[function].__code__) for function in names))
    with ready(name) as target:
        assert sorted(wanted - lines_reached(target, module.__file__)) == []


JUDGES = {
    "records": [
        "decode",
        "_id",
        "_label",
        "_weight",
        "_features",
        "_check_feature",
        "_check_finite",
        "_utf8",
    ],
    "model log": [
        "_unframe",
        "take",
        "apply",
        "_load",
        "_blocks",
        "_keys_by_block",
        "_decode",
        "_check_settings",
    ],
}


# What was found, and stays mended


def test_an_integer_beyond_a_double_is_refused_by_the_decoder() -> None:
    value = b'{"features": {"a": 1' + b"0" * 400 + b'}, "label": 1}'
    assert Side(OF_RECORDS[0]).outcomes([value]) == ["not_finite"]


def spoilt_log(key: bytes, value: bytes | None = None) -> str:
    """Return what reading a sound log says once something is behind it."""
    log = Log(CHOSEN[0])
    topic = Topic([*log.records, (key, value or log.records[0][1])])
    learner = Learner(log.settings, {log.settings.topics.predictions: 1, log.settings.topics.dlq: 1})
    with pytest.raises(Damaged) as caught:
        model_log.ModelLog(topic, log.settings).catch_up(learner)  # type: ignore[arg-type]
    return str(caught.value)


def test_a_text_that_is_not_utf_8_behind_a_sound_checksum_is_damage() -> None:
    body = msgspec.msgpack.encode({"model_id": "life", "rows": b""}).replace(b"life", b"lif\xff")
    assert "block/0: not a record of a model log" in spoilt_log(b"block/0", _framed(body))


def test_a_block_with_a_number_of_5000_digits_is_damage() -> None:
    assert "is none of a model log" in spoilt_log(b"block/" + b"9" * 5000)


def test_bytes_that_make_rust_panic_are_refused() -> None:
    parts = dump(pipelines.compiled(), pipelines.compiled()).parts
    state = msgspec.msgpack.decode(parts[""])
    [[_, quantile], *_] = state[3][0]
    quantile[3][0][0][1][2] = b"\x00"
    with pytest.raises(ValueError, match="not a state of"):
        restore({**parts, "": msgspec.msgpack.encode(state)}, pipelines.compiled())


@pytest.mark.parametrize(
    ("file", "variable", "overrides", "place"),
    [
        (b"", ("PERCEPTRON_TOPICS", '"x"'), [], "topics"),
        (b"", ("PERCEPTRON_FIELDS", '{"a":' * 5000), [], "PERCEPTRON_FIELDS"),
        (b"\x80", None, [], "perceptron.toml"),
        (b"[engine]\nmax_batch = " + b"9" * 5000, None, [], "perceptron.toml"),
        (b"x = " + b"[" * 5000, None, [], "perceptron.toml"),
        (b"[stream.kafka]\na = " + b"[" * 300 + b"]" * 300, None, [], "stream.kafka"),
        (b"", None, ["engine.max_batch=" + "9" * 5000], "engine.max_batch"),
        (b"", None, ["engine.max_batch=" + "[" * 5000], "engine.max_batch"),
        (b"", None, ["top\udcc6cs.model=x"], "--set"),
        (b"", None, ["stream.kafka=x", "stream.kafka.acks=all"], "stream.kafka"),
    ],
)
def test_settings_that_no_parser_takes_are_told_with_their_place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: bytes,
    variable: tuple[str, str] | None,
    overrides: list[str],
    place: str,
) -> None:
    path = tmp_path / "perceptron.toml"
    path.write_bytes(file)
    if variable:
        monkeypatch.setenv(*variable)
    with pytest.raises(ConfigurationError, match=place):
        load_settings(path, overrides)


def test_a_file_whose_records_stand_out_of_order_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "stream.db"
    with SqliteStream(str(path), 1500) as stream:
        stream.create_topics([TopicSpec("t")])
        stream.append([Output("t", 0, [None] * 3, [b"one", b"two", b"three"])])
    data = path.read_bytes()
    at = data.rindex(b"two") - 6  # behind length, row id, header length and three serial types
    assert data[at] == 1
    path.write_bytes(data[:at] + b"\x09" + data[at + 1 :])
    with SqliteStream(str(path), 1500) as stream, stream.reader() as reader:
        reader.seek({("t", 0): 0})
        with pytest.raises(Damaged):
            reader.poll(10, 0.0)


def test_the_model_log_of_the_tests_is_the_one_that_is_fuzzed() -> None:
    """Every configuration's log is read, unspoilt, as the right model."""
    logs = ModelLogs()
    assert [logs.outcomes((number, False, Log(chosen).records)) for number, chosen in enumerate(CHOSEN)] == [
        ["the right model"]
    ] * len(CHOSEN)

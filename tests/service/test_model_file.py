"""A model in a file: backed up, verified, restored, and moved to another stream."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from service.board import Board
from service.commands.model_files import export, verified
from service.commands.model_show import read_model
from service.engine import Engine
from service.errors import ConfigurationError, Damaged
from service.model_file import KIND, read_model_file, write_model_file
from service.streams.port import Output, Stream
from service.streams.select import open_stream
from service.topics import topic_specs
from tests.corpus import Case, cases, settings
from tests.service.command_line import answer, perceptron

CHOSEN = settings(engine={"max_batch": 50})
RECORDS = cases(600)


def opened(path: Path) -> Stream:
    stream = open_stream(f"sqlite:{path}")
    stream.create_topics(topic_specs(CHOSEN))
    return stream


def learn(stream: Stream, records: list[Case], **how: Any) -> None:
    keys, values = [case.key for case in records], [case.value for case in records]
    stream.append([Output(CHOSEN.topics.samples, 0, keys, values)])
    Engine(stream, CHOSEN, **how).run(until_end=True)


def test_a_model_that_was_moved_goes_on_as_if_it_had_stayed(tmp_path: Path) -> None:
    file = tmp_path / "model"
    with opened(tmp_path / "stayed.db") as stayed, opened(tmp_path / "moved.db") as moved:
        learn(stayed, RECORDS[:300])
        exported = export(stayed, CHOSEN, file)
        assert verified(file, CHOSEN) == exported
        learn(stayed, RECORDS[300:])
        learn(moved, RECORDS[300:], reset_from="first", reset_to=read_model_file(file))
        (one, its), (other, theirs) = read_model(stayed, CHOSEN), read_model(moved, CHOSEN)
    assert (other.hash, other.version, other.features) == (one.hash, one.version, one.features)
    assert theirs.metric_values() == its.metric_values()
    assert (other.predicted, other.rejected) == (one.predicted, one.rejected)


def test_a_backup_takes_the_place_of_a_model_that_has_grown_since(tmp_path: Path) -> None:
    file = tmp_path / "backup"
    with opened(tmp_path / "stream.db") as stream:
        learn(stream, RECORDS[:10])
        backup = export(stream, CHOSEN, file)
        learn(stream, RECORDS[10:])
        grown, _ = read_model(stream, CHOSEN)
        board = Board(CHOSEN)
        learn(stream, [], reset_from="head", reset_to=read_model_file(file), observer=board)
        restored, _ = read_model(stream, CHOSEN)
        shown = board.model.read(lambda head, learner: learner.model.hash())
    assert (restored.hash, restored.version) == (backup.hash, backup.version)
    assert restored.features < grown.features
    assert restored.next_offsets == grown.next_offsets
    assert restored.sequence == grown.sequence + 1
    assert restored.model_id not in (backup.model_id, grown.model_id)
    assert shown == backup.hash


def test_the_commands_export_verify_and_start_anew_with_it(tmp_path: Path) -> None:
    perceptron(tmp_path, "produce", "--dataset", "phishing")
    perceptron(tmp_path, "run", "--until-end")
    told = answer(tmp_path, "model", "export", "backup").removeprefix("backup: ")
    assert (
        answer(tmp_path, "model", "verify") == answer(tmp_path, "model", "verify", "backup") == f"ok: {told}"
    )
    perceptron(tmp_path, "run", "--until-end", "--reset-model")
    assert "version 0" in answer(tmp_path, "model", "verify")
    perceptron(tmp_path, "run", "--until-end", "--reset-model", "--model", "backup")
    assert answer(tmp_path, "model", "verify") == f"ok: {told}"
    assert b"--reset-model" in perceptron(tmp_path, "run", "--model", "backup", code=2).stderr


def test_a_damaged_or_foreign_file_is_refused_and_nothing_is_changed(tmp_path: Path) -> None:
    file = tmp_path / "model"
    with opened(tmp_path / "stream.db") as stream:
        learn(stream, RECORDS[:100])
        before = export(stream, CHOSEN, file)
        records = read_model_file(file)
        block = records[b"block/0"]
        write_model_file(file, {**records, b"block/0": block[:-1] + bytes([block[-1] ^ 1])})
        with pytest.raises(Damaged, match="block/0"):
            verified(file, CHOSEN)
        with pytest.raises(Damaged):
            learn(stream, [], reset_from="head", reset_to=read_model_file(file))
        assert read_model(stream, CHOSEN)[0] == before
    for content, told in [
        (b"", "no exported model"),
        (b"\x93\xa1x\x01", "no exported model"),
        (msgspec.msgpack.encode(["other", 1, {}]), "'other' of format 1"),
        (msgspec.msgpack.encode([KIND, 2, {}]), "of format 2"),
    ]:
        file.write_bytes(content)
        with pytest.raises(ConfigurationError, match=told):
            read_model_file(file)
    with pytest.raises(ConfigurationError, match="No such file"):
        read_model_file(tmp_path / "nowhere")
    write_model_file(file, {})
    with pytest.raises(Damaged, match="no model in it"):
        verified(file, CHOSEN)


def test_a_model_of_other_settings_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "stream.db") as stream:
        learn(stream, RECORDS[:100])
        export(stream, CHOSEN, tmp_path / "model")
    other = settings(model={"optimizer": "adagrad", "learning_rate": 0.1})
    with pytest.raises(ConfigurationError, match=r"model\.optimizer"):
        verified(tmp_path / "model", other)

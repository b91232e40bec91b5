"""``perceptron model export`` and ``verify``: a committed model into a file, and whether one adds up."""

from __future__ import annotations

from pathlib import Path

from service.commands.model_show import read_model
from service.learner import Learner
from service.model_file import read_model_file, write_model_file
from service.model_state import HEAD, Head, parts_of, restored
from service.settings import Settings
from service.streams.port import Stream


def export(stream: Stream, settings: Settings, file: Path) -> Head:
    """Write the committed model into a file, and return its head.

    Raises
    ------
    PerceptronError
        Nothing was committed yet, the topic is missing or damaged, or holds another configuration's model.
    """
    records: dict[bytes, bytes] = {}
    head, _ = read_model(stream, settings, records.update)
    write_model_file(file, {**parts_of(records, head.model_id), HEAD: records[HEAD]})
    return head


def verified(file: Path, settings: Settings) -> Head:
    """Return the head of an exported model that hashes to what its head says.

    Raises
    ------
    PerceptronError
        It does not, or it is of another configuration.
    """
    return restored(read_model_file(file), settings, Learner(settings, {}), str(file))

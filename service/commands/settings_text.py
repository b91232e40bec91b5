"""The table of settings as a text: ``config show``, and the commented ``perceptron.toml``.

One table - names, defaults, descriptions of :mod:`service.settings` - drives both. What is printed is
TOML and can be read back.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import BaseModel

from service.settings import Settings
from service.settings_sources import redacted
from service.streams.select import kafka_servers, open_stream

HEADER = """\
Settings of perceptron-stream. Each line shows a default: take the # away to change it. They are read
from this file (perceptron.toml, or --config FILE), then from the environment
(PERCEPTRON_MODEL__LEARNING_RATE=0.1), then from the command line (--set model.learning_rate=0.1): the
later wins. Secrets belong in the environment or in a file, not on the command line.
perceptron config show prints what holds, perceptron config check says whether it can."""

COLUMN = 36


def as_toml(tree: Mapping[str, Any], prefix: str = "") -> str:
    """Return settings by section as TOML, each with its description; ``prefix`` goes before settings."""
    sections = (
        "\n".join([f"[{name}]  # {_summary(name)}", *_lines(name, values, prefix)])
        for name, values in tree.items()
    )
    return "\n\n".join(sections) + "\n"


def example_file() -> str:
    """Return the ``perceptron.toml`` that says everything and changes nothing."""
    header = textwrap.indent(HEADER, "# ", lambda line: True)
    return f"{header}\n\n{as_toml(effective(Settings()), prefix='# ')}"


def effective(settings: Settings) -> dict[str, Any]:
    """Return what holds, redacted; a default that follows from other settings is filled in."""
    tree = redacted(settings)
    tree["model"]["activation"] = settings.model.new_perceptron().config["activation"]
    return tree


def check(settings: Settings) -> None:
    """Check what can be checked without connecting.

    Raises
    ------
    ConfigurationError
        The URL or a metric can't be used.
    """
    from service.learner import Learner

    Learner(settings, {})  # tries the metrics out
    scheme, _, rest = settings.stream.url.partition(":")
    if scheme == "kafka" and rest.startswith("//"):
        kafka_servers(settings.stream.url)
    elif scheme != "sqlite" or not rest:
        open_stream(settings.stream.url).close()  # raises: it says what was expected


def _lines(section: str, values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        setting = f"# {name} is not set" if value is None else f"{prefix}{name} = {_toml(value)}"
        yield f"{setting:<{COLUMN}}  # {_fields(section)[name].description}"


def _fields(section: str) -> Mapping[str, Any]:
    kind = Settings.model_fields[section].annotation
    assert isinstance(kind, type)
    assert issubclass(kind, BaseModel)
    return kind.model_fields


def _summary(section: str) -> str:
    kind = Settings.model_fields[section].annotation
    return (kind.__doc__ or "").partition("\n")[0].rstrip(".").replace("``", "")


def _toml(value: Any) -> str:
    """Return a value as TOML; JSON's texts, numbers, booleans and arrays are."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{json.dumps(name)} = {_toml(part)}" for name, part in value.items())
        return f"{{{inside}}}" if not inside else f"{{ {inside} }}"
    return json.dumps(value, ensure_ascii=False)


def print_settings(settings: Settings, as_json: bool) -> None:
    """Print what holds to stdout."""
    print(
        json.dumps(redacted(settings), indent=2, ensure_ascii=False)
        if as_json
        else as_toml(effective(settings))
    )

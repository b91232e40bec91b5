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
from service.streams.security import client_options
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
    return "\n\n".join(_tables(Settings, tree, prefix)) + "\n"


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
        The URL, a metric or a file can't be used.
    """
    from service.learner import Learner

    Learner(settings, {})  # tries the metrics out
    scheme, _, rest = settings.stream.url.partition(":")
    if scheme == "kafka" and rest.startswith("//"):
        client_options(settings.stream.security, kafka_servers(settings.stream.url), settings.stream.kafka)
    elif scheme != "sqlite" or not rest:
        open_stream(settings.stream.url).close()  # raises: it says what was expected


def section(kind: type[BaseModel], name: str) -> type[BaseModel] | None:
    """Return what kind of table a setting is, None where it is a value."""
    inner = kind.model_fields[name].annotation
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def _tables(kind: type[BaseModel], tree: Mapping[str, Any], prefix: str, path: str = "") -> Iterator[str]:
    for name, values in tree.items():
        if inner := section(kind, name):
            title = f"[{path}{name}]  # {_summary(inner)}"
            yield "\n".join([title, *_lines(inner, values, prefix)])
            yield from _tables(inner, values, prefix, f"{path}{name}.")


def _lines(kind: type[BaseModel], values: Mapping[str, Any], prefix: str) -> Iterator[str]:
    for name, value in values.items():
        if section(kind, name) is None:
            setting = f"# {name} is not set" if value is None else f"{prefix}{name} = {_toml(value)}"
            yield f"{setting:<{COLUMN}}  # {kind.model_fields[name].description}"


def _summary(kind: type[BaseModel]) -> str:
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

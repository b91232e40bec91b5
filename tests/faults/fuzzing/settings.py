"""The settings from their three sources: any file, any environment, any override."""

from __future__ import annotations

import os
import random
import re
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from unittest.mock import patch

from service.errors import ConfigurationError
from service.settings import Settings
from service.settings_sources import load_settings, redacted
from tests.faults.fuzzing.mutations import deep, pick, smaller_bytes, smaller_list, spoilt_bytes
from tests.faults.fuzzing.target import Target, Wrong

_SECTIONS = [name.encode() for name in Settings.model_fields] + [b"http", b"modle", b""]
_KEYS = [
    f"{section}.{key}".encode()
    for section, field in Settings.model_fields.items()
    for key in getattr(field.annotation, "model_fields", {})
] + [
    b"model.learning_rat",
    b"stream.kafka.sasl.password",
    b"stream.kafka",
    b"model",
    b"model.",
    b".",
    b"a.b.c",
]
_VALUES = [
    b"0", b"1", b"-1", b"0.5", b"1e400", b"inf", b"nan", b"-0.0", b"true", b"false", b'"x"', b'""', b"[]",
    b"{}", b"[0, 1]", b'["ham", "spam"]', b'["a", "a"]', b'[["a", "b*"]]', b"{beta_1 = 0.5}", b'"auto"',
    b'"ladder"', b'"log"', b'"squared"', b'"poisson"', b'"hinge"', b'"quantile"', b'"adam"', b'"ftrl"',
    b'"regression"', b'"binary"', b'"standard"', b'"none"', b'"exp"', b'"step"', b'"tanh"', b"30", b"31",
    b"99999999999999999999", b"9" * 5000, b'"sqlite:x.db"', b'"kafka://h:1"', b"1979-05-27", b"07:32:00",
    b"0x1F", b"1_000", b'"*"', b'"\\u0000"', b'"module:factory"', b'"os:system"', b'":"',
    b'"tests.faults.fuzzing.pipelines:logistic"', b'["ROCAUC"]', b'["x"]', '"日本"'.encode(),
    b'"' + b"n" * 300 + b'"', b"'''a\n'''", b'{"a": 1}', b"null", b"[[[[]]]]", b'"\\ud800"',
]  # fmt: skip
_TOKENS = [
    *_VALUES,
    b"[",
    b"]",
    b"=",
    b".",
    b"\n",
    b"#",
    b'"',
    b"'",
    b"\x00",
    b"\xff",
    b"\r",
    b"{",
    b",",
    b"[[",
]
_WORDS = re.compile(r"[A-Za-z_][A-Za-z_0-9]{2,}")


@dataclass(frozen=True)
class Given:
    """What the three sources hold."""

    file: bytes = b""
    environment: tuple[tuple[str, str], ...] = ()
    overrides: tuple[str, ...] = ()


class SettingsSources(Target):
    """Settings, or a message that names what is wrong."""

    name = "settings"

    def __init__(self) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._file = Path(self._home.name) / "perceptron.toml"
        self._plain = {
            name: value for name, value in os.environ.items() if not name.startswith("PERCEPTRON_")
        }

    def begin(self) -> None:
        """Nothing is kept from case to case."""

    def close(self) -> None:
        """Remove the file."""
        self._home.cleanup()

    def cases(self, source: random.Random) -> Iterator[Given]:
        """Yield what the sources hold."""
        while True:
            yield Given(
                _file(source) if source.random() < 0.6 else b"",
                tuple(_variable(source) for _ in range(int(source.random() * 1.6))),
                tuple(_override(source) for _ in range(int(source.random() * 2.5))),
            )

    def outcomes(self, case: Given) -> Iterable[str]:
        """Return whether there are settings, or why not."""
        self._file.write_bytes(case.file)
        with patch.dict(os.environ, {**self._plain, **dict(case.environment)}, clear=True):
            try:
                settings = load_settings(self._file, case.overrides)
            except ConfigurationError as error:
                _check_message(str(error), case)
                return ["ConfigurationError"]
        redacted(settings)
        return ["settings"]

    def smaller(self, case: Given) -> Iterator[Given]:
        """Leave out variables and overrides, then parts of the file."""
        for variables in smaller_list(case.environment):
            yield replace(case, environment=tuple(variables))
        for overrides in smaller_list(case.overrides):
            yield replace(case, overrides=tuple(overrides))
        for text in smaller_bytes(case.file):
            yield replace(case, file=text)


def _check_message(message: str, case: Given) -> None:
    """Raise where a message names neither the file nor a word of what was given or is known."""
    given = " ".join(
        [case.file.decode(errors="replace"), *case.overrides, *(name for name, _ in case.environment)]
    )
    known = {word.lower() for word in _WORDS.findall(given)} | {name.decode() for name in _SECTIONS if name}
    places = {word.lower() for word in _WORDS.findall(message)} & (known | {"perceptron"})
    if not message.strip() or not (places or "--set" in message):
        raise Wrong(f"the message does not say where: {message!r}")


def _file(source: random.Random) -> bytes:
    lines = []
    for _ in range(int(source.random() * 4)):
        section, _, key = pick(source, _KEYS).partition(b".")
        lines.append(b"[" + section + b"]\n" + (key or b"x") + b" = " + _value(source))
    text = b"\n".join(lines)
    return spoilt_bytes(source, text, _TOKENS) if source.random() < 0.4 else text


def _value(source: random.Random) -> bytes:
    return deep(source, b"[", b"1", b"]") if source.random() < 0.03 else pick(source, _VALUES)


def _variable(source: random.Random) -> tuple[str, str]:
    name = b"PERCEPTRON_" + pick(source, _KEYS).replace(b".", b"__", 1).upper()
    if source.random() < 0.3:
        name = b"PERCEPTRON_" + pick(source, _SECTIONS).upper()
    value = pick(source, _VALUES) if source.random() < 0.9 else deep(source, b'{"a":', b"1", b"}")
    if source.random() < 0.2:
        value = spoilt_bytes(source, value, _TOKENS)
    return os.fsdecode(name), os.fsdecode(value.replace(b"\x00", b""))


def _override(source: random.Random) -> str:
    text = pick(source, _KEYS) + b"=" + _value(source)
    return os.fsdecode(spoilt_bytes(source, text, _TOKENS) if source.random() < 0.3 else text)

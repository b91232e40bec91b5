"""Reading the settings: file < environment < command line, with errors a person can act on."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from service.errors import ConfigurationError
from service.settings import Settings

PREFIX = "PERCEPTRON_"
DEFAULT_FILE = Path("perceptron.toml")

_SECRET_WORDS = ("password", "secret", "token", "credential", "jaas", "oauth", "ssl.key", "ssl_key")
_HARMLESS_ENDS = ("file", "location", "url", "method")  # of names with such a word in them
_TABLES = ("kafka.", "security.")  # within the section stream


def load_settings(file: Path | None = None, overrides: Sequence[str] = ()) -> Settings:
    """Read the settings.

    Parameters
    ----------
    file
        A TOML file; by default ``perceptron.toml`` where it exists.
    overrides
        ``section.key=value`` of the command line; a value is read as TOML where it is that, else as text.

    Raises
    ------
    ConfigurationError
        Something is unknown or out of range; the message names each of them.
    """
    if file is not None and not file.is_file():
        raise ConfigurationError(f"settings file {file} does not exist")
    _check_file(file or DEFAULT_FILE)
    _check_environment(os.environ)
    source = _Source.model_config | {"toml_file": file or DEFAULT_FILE}
    reader = type("Settings", (_Source,), {"model_config": source, "__module__": __name__})
    try:
        return reader(**_tree(overrides))  # type: ignore[no-any-return]
    except ValidationError as error:
        raise ConfigurationError("\n".join(_explain(fault) for fault in error.errors())) from None
    except ValueError as error:  # an environment variable that should be JSON
        raise ConfigurationError(str(error)) from None
    except RecursionError:
        ours = ", ".join(variable for variable in os.environ if variable.startswith(PREFIX))
        raise ConfigurationError(f"environment variable {ours}: nested too deeply") from None


def _check_file(file: Path) -> None:
    """Raise for a file that can't be read at all; what it says is checked with the other sources."""
    try:
        tomllib.loads(file.read_bytes().decode() if file.is_file() else "")
    except (ValueError, RecursionError) as error:  # not UTF-8, not TOML, a number of 5000 digits
        raise ConfigurationError(f"{file} is not TOML: {error}") from None


class _Source(Settings, BaseSettings):
    """The settings, read from their three sources."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=PREFIX, env_nested_delimiter="__"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the command line over the environment over the file."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def redacted(settings: Settings) -> dict[str, Any]:
    """Return the settings as plain data with secrets blotted out, for the one print at start."""
    return _blotted(settings.model_dump(mode="json"))


def _blotted(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> dict[str, Any]:
    places = ((name, value, (*path, name)) for name, value in tree.items())
    return {
        name: "***"
        if value is not None and _is_secret(place)
        else _blotted(value, place)
        if isinstance(value, dict)
        else value
        for name, value, place in places
    }


def _is_secret(place: Sequence[Any]) -> bool:
    """Whether a setting holds a secret: by its type, a client's raw option by its name."""
    *path, name = place
    if path == ["stream", "kafka"]:
        name = str(name).lower()
        return any(word in name for word in _SECRET_WORDS) and not name.endswith(_HARMLESS_ENDS)
    field = _section(path).get(name)
    return field is not None and SecretStr in (field.annotation, *get_args(field.annotation))


def _tree(overrides: Sequence[str]) -> dict[str, Any]:
    """Return ``["model.l2=0.1"]`` as ``{"model": {"l2": 0.1}}``."""
    tree: dict[str, Any] = {}
    for override in overrides:
        path, equals, text = override.partition("=")
        section, dot, key = path.partition(".")
        if not (equals and dot and key and path.isprintable()):
            raise ConfigurationError(f"--set {path!r}: section.key=value was expected")
        branch = tree.setdefault(section, {})
        if section == "stream" and key.startswith(_TABLES):
            table, _, key = key.partition(".")
            branch = branch.setdefault(table, {})
            if not isinstance(branch, dict):
                raise ConfigurationError(f"--set stream.{table}=...: a table was expected, such as {{a = 1}}")
        branch[key] = _value(text)
    _refuse_secrets(tree)
    return tree


def _refuse_secrets(tree: Mapping[str, Any], path: tuple[str, ...] = ()) -> None:
    """Raise for a secret on the command line, where every user of the machine can read it."""
    for name, value in tree.items():
        place = (*path, name)
        if _is_secret(place):
            variable = PREFIX + "__".join(place).replace(".", "_").upper()
            has_file = f"{name}_file" in _section(path)
            instead = f"{'.'.join(place)}_file" if has_file else "the settings file"
            raise ConfigurationError(
                f"--set {'.'.join(place)}=...: others can read a command line; "
                f"use {variable} in the environment or {instead}"
            )
        if isinstance(value, dict):
            _refuse_secrets(value, place)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _check_environment(environment: Mapping[str, str]) -> None:
    """Raise for a ``PERCEPTRON_`` variable that names no section; within one, pydantic checks the key."""
    for variable in environment:
        section = variable.removeprefix(PREFIX).partition("__")[0].lower()
        if variable.startswith(PREFIX) and section not in Settings.model_fields:
            near = _nearest(section, Settings.model_fields)
            raise ConfigurationError(f"environment variable {variable}: unknown section {section!r}{near}")


def _explain(fault: Mapping[str, Any]) -> str:
    """Return one line for one fault: where, what was expected, what came."""
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        known = _section(fault["loc"][:-1])
        return f"{where}: unknown setting{_nearest(str(fault['loc'][-1]), known)}"
    message = str(fault["msg"]).removeprefix("Value error, ")
    came = (
        "" if isinstance(fault["input"], dict) or _is_private(fault["loc"]) else f" (got {fault['input']!r})"
    )
    return f"{where}: {message}{came}" if where else message


def _is_private(place: Sequence[Any]) -> bool:
    """Whether what came might be, or hold, a secret: also a text in the place of a whole section."""
    tables = (("stream", "kafka"), ("stream", "security"))
    return len(place) < 2 or tuple(place[:2]) in tables or _is_secret(place)


def _section(path: Sequence[Any]) -> Mapping[str, Any]:
    """Return the known names of a section; none where there is no such section."""
    model: Any = Settings
    for name in path:
        field = getattr(model, "model_fields", {}).get(name)
        model = field.annotation if field is not None else None
    return getattr(model, "model_fields", {})


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"

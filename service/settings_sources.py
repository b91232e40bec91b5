"""Reading the settings: file < environment < command line, with errors a person can act on."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError
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
    tree = settings.model_dump(mode="json")
    tree["stream"]["kafka"] = {
        name: "***" if any(word in name.lower() for word in _SECRET_WORDS) else value
        for name, value in tree["stream"]["kafka"].items()
    }
    return tree


def _tree(overrides: Sequence[str]) -> dict[str, Any]:
    """Return ``["model.l2=0.1"]`` as ``{"model": {"l2": 0.1}}``."""
    tree: dict[str, Any] = {}
    for override in overrides:
        path, equals, text = override.partition("=")
        section, dot, key = path.partition(".")
        if not (equals and dot and key and path.isprintable()):
            raise ConfigurationError(f"--set {override!r}: section.key=value was expected")
        branch = tree.setdefault(section, {})
        if section == "stream" and key.startswith("kafka."):
            branch, key = branch.setdefault("kafka", {}), key.removeprefix("kafka.")
        if not isinstance(branch, dict):
            raise ConfigurationError("--set stream.kafka=...: a table was expected, such as {acks = 'all'}")
        branch[key] = _value(text)
    return tree


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
    came = "" if isinstance(fault["input"], dict) else f" (got {fault['input']!r})"
    return f"{where}: {message}{came}" if where else message


def _section(path: Sequence[Any]) -> Mapping[str, Any]:
    """Return the known names of a section."""
    model: Any = Settings
    for name in path:
        model = model.model_fields[name].annotation
    return model.model_fields if issubclass(model, BaseModel) else {}


def _nearest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"

"""What the README says of commands and settings is so."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main
from pydantic import BaseModel

from service.cli import app
from service.commands.settings_text import section
from service.settings import Settings

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def rows_of(heading: str) -> list[list[str]]:
    section = README.split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = [re.split(r"(?<!\\)\|", line)[1:-1] for line in section.splitlines() if line.startswith("| `")]
    return [[cell.strip() for cell in row] for row in rows]


def commands(group: Any, path: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, command in group.commands.items():
        whole = f"{path} {name}"
        found |= commands(command, whole) if hasattr(command, "commands") else {whole: command}
    return found


def test_the_commands_table_lists_every_command_and_only_options_that_exist() -> None:
    actual = commands(typer.main.get_command(app), "perceptron")
    listed = {row[0].strip("`"): row[1] for row in rows_of("Commands")}
    assert listed.keys() == actual.keys()
    for name, does in listed.items():
        options = {option for parameter in actual[name].params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", does)) <= options, name


def test_the_settings_table_lists_every_setting_with_its_default_and_meaning() -> None:
    assert rows_of("Settings") == list(settings_of(Settings))


def settings_of(kind: type[BaseModel], path: str = "") -> Iterator[list[str | None]]:
    for name, setting in kind.model_fields.items():
        if inner := section(kind, name):
            yield from settings_of(inner, f"{path}{name}.")
        else:
            default = setting.get_default(call_default_factory=True)
            yield [f"`{path}{name}`", f"`{json.dumps(default)}`", setting.description]

"""The table of settings: what ``config show`` prints, and the commented ``perceptron.toml``."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from service.commands.settings_text import effective, example_file
from service.settings import Settings
from service.settings_security import SecuritySettings
from tests.service.command_line import ROOT, answer

SETTING = re.compile(r"^# ([a-z0-9_]+ = .*)$", re.MULTILINE)


def example() -> str:
    return (ROOT / "perceptron.toml").read_text(encoding="utf-8")


def said(tree: dict[str, Any]) -> dict[str, Any]:
    """Return what is set in a tree of settings."""
    return {
        name: said(value) if isinstance(value, dict) else value
        for name, value in tree.items()
        if value is not None
    }


def test_the_example_holds_every_setting_with_its_default_and_no_other() -> None:
    assert tomllib.loads(SETTING.sub(r"\1", example())) == said(effective(Settings()))
    assert example() == example_file()


def test_the_example_changes_nothing_as_it_is() -> None:
    assert Settings(**tomllib.loads(example())) == Settings()


def test_every_setting_is_described() -> None:
    for section in Settings.model_fields.values():
        kind: Any = section.annotation
        assert all(field.description for field in kind.model_fields.values()), kind
    assert all(field.description for field in SecuritySettings.model_fields.values())


def test_the_settings_that_hold_are_shown_without_secrets(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('[model]\nname = "own"\n[stream.kafka]\n"sasl.password" = "hush"\n')
    words = ("--config", "own.toml", "--set", "model.learning_rate=0.5", "--stream", "kafka://b:1")
    text = answer(tmp_path, "config", "show", *words)
    shown = tomllib.loads(text)
    assert (shown["model"]["name"], shown["model"]["learning_rate"]) == ("own", 0.5)
    assert (shown["stream"]["url"], shown["topics"]["dlq"]) == ("kafka://b:1", "own.dlq")
    as_json = answer(tmp_path, "config", "show", "--json", *words)
    assert json.loads(as_json)["stream"]["kafka"] == {"sasl.password": "***"}
    assert "hush" not in text + as_json
    assert answer(tmp_path, "config", "check", *words) == "ok\n"

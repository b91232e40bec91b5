"""Whatever ``--json`` prints is JSON by the standard, which has neither NaN nor Infinity."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.commands.json_text import json_text
from tests.service.command_line import answer, perceptron

REGRESSION = ("--set", "model.task=regression", "--set", "model.loss=squared")

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def strictly(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def nulled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: nulled(part) for name, part in value.items()}
    if isinstance(value, list):
        return [nulled(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


@given(plain)
def test_plain_data_comes_back_with_null_for_what_is_no_number(data: Any) -> None:
    assert strictly(json_text(data)) == nulled(data)


@pytest.fixture
def huge(tmp_path: Path) -> str:
    """Write labels whose squares are beyond a double."""
    lines = [json.dumps({"features": {"a": row % 3}, "label": (-1) ** row * 1e308}) for row in range(20)]
    path = tmp_path / "huge.jsonl"
    path.write_text("\n".join(lines) + "\n")
    return str(path)


def test_metrics_of_enormous_labels_are_numbers_wherever_they_are_shown(tmp_path: Path, huge: str) -> None:
    evaluated = strictly(answer(tmp_path, "evaluate", "--json", *REGRESSION, huge))
    assert None not in evaluated["metrics"].values()
    perceptron(tmp_path, "produce", *REGRESSION, huge)
    perceptron(tmp_path, "run", "--until-end", *REGRESSION)
    shown = strictly(answer(tmp_path, "model", "show", "--json", *REGRESSION))
    assert shown["metrics"] == evaluated["metrics"]


def test_a_fit_to_labels_beyond_all_bounds_ends_in_json_or_an_error(tmp_path: Path, huge: str) -> None:
    done = perceptron(tmp_path, "fit", "--json", *REGRESSION, huge, code=None)
    assert done.returncode or strictly(done.stdout.decode())

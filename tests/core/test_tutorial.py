"""The tutorial's answers are the real ones."""

from __future__ import annotations

import doctest
from pathlib import Path

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"


def test_the_tutorial_runs_and_answers_as_it_says() -> None:
    found = doctest.testfile(str(TUTORIAL), module_relative=False, encoding="utf-8")
    assert found.attempted > 20
    assert found.failed == 0

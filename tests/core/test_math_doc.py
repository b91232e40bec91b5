"""docs/math.md speaks of code that exists, and its numbers are right."""

from __future__ import annotations

import ast
import doctest
import math
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import perceptron_core

DOCUMENT = Path(__file__).parents[2] / "docs" / "math.md"
CORE = Path(next(iter(perceptron_core.__path__)))
TEXT = DOCUMENT.read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`([\w/]+:[\w.]+)`", TEXT)))
BASES = {"Activation", "Loss", "MarginLoss", "Optimizer", "Scaler"}


def tree(module: str) -> ast.Module:
    """Return a module of the core, parsed: compiled, it would hide what is for itself alone."""
    return ast.parse((CORE / f"{module}.py").read_text(encoding="utf-8"))


def members(node: Any) -> dict[str, Any]:
    """Return what a module or class defines, by name."""
    return {child.name: child for child in node.body if isinstance(child, ast.ClassDef | ast.FunctionDef)}


def parts() -> list[str]:
    """Return every activation, loss, optimizer and scaler of the kernel, as the document would name it."""
    modules = [f"kernel/{path.stem}" for path in sorted((CORE / "kernel").glob("*.py"))]
    bases, found = set(BASES), []
    for module in modules * 2:  # the bases of some stand in later modules
        for name, node in members(tree(module)).items():
            if bases & {getattr(base, "id", "") for base in getattr(node, "bases", [])}:
                bases.add(name)
                found.append(f"{module}:{name}")
    return sorted(set(found))


def test_the_derivation_names_its_code() -> None:
    assert len(NAMES) > 40


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_derivation_exists(name: str) -> None:
    module, _, qualified = name.partition(":")
    assert reduce(lambda node, part: members(node)[part], qualified.split("."), tree(module))


def test_every_part_of_the_kernel_is_in_the_derivation() -> None:
    assert {"kernel/activations:Step", "kernel/margins:HingeLoss", "kernel/adaptive:Nadam"} <= set(parts())
    assert set(parts()) - {name.rsplit(".", 1)[0] for name in NAMES} - set(NAMES) == set()


def test_its_examples_run() -> None:
    results = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert results.failed == 0
    assert results.attempted > 10


def tables() -> list[list[list[float | None]]]:
    """Return the numbers of the epochs worked by hand, row by row."""
    worked = TEXT.split("## By hand")[1].split("\n## ")[0].replace("−", "-")
    rows = [line.strip("|").split("|") for line in worked.splitlines() if re.match(r"\| (\d|mean) \|", line)]
    numbers = [[float(cell) if cell.strip() else None for cell in row[1:]] for row in rows]
    return [numbers[:7], numbers[7:]]


def test_the_epochs_by_hand_are_right() -> None:
    b = w1 = w2 = 0.0
    for rows in tables():
        losses, slopes = [], []
        for x1, x2, y, *told in rows[:-1]:
            assert x1 is not None and x2 is not None and y is not None  # noqa: PT018
            z = b + w1 * x1 + w2 * x2
            p = 1.0 / (1.0 + math.exp(-z))
            losses.append((p - y) ** 2)
            slope = 2.0 * (p - y) * p * (1.0 - p)
            slopes.append((slope, slope * x1, slope * x2))
            by_hand = [z, p, losses[-1], 2.0 * (p - y), p * (1.0 - p), *slopes[-1]]
            assert told == [pytest.approx(value, abs=5.1e-7) for value in by_hand]
        gradient = [sum(column) / len(slopes) for column in zip(*slopes, strict=True)]
        means = [value for value in rows[-1] if value is not None]
        assert means == [pytest.approx(value, abs=5.1e-7) for value in (sum(losses) / len(losses), *gradient)]
        b, w1, w2 = b - gradient[0], w1 - gradient[1], w2 - gradient[2]
    assert f"{b:.6f}, {w1:.6f}, {w2:.6f}" in TEXT

"""docs/math.md speaks of code that exists."""

from __future__ import annotations

import ast
import re
from functools import reduce
from pathlib import Path
from typing import Any

import pytest

import perceptron_core

TEXT = (Path(__file__).parents[2] / "docs" / "math.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`(\w+:[\w.]+)`", TEXT)))


def tree(module: str) -> ast.Module:
    """Return a module of the core, parsed: compiled, it would hide what is for itself alone."""
    return ast.parse((Path(perceptron_core.__file__).parent / f"{module}.py").read_text(encoding="utf-8"))


def members(node: Any) -> dict[str, Any]:
    """Return what a module or class defines, by name."""
    return {child.name: child for child in node.body if isinstance(child, ast.ClassDef | ast.FunctionDef)}


def test_the_derivation_names_its_code() -> None:
    assert len(NAMES) > 15


@pytest.mark.parametrize("name", NAMES)
def test_a_name_in_the_derivation_exists(name: str) -> None:
    module, _, qualified = name.partition(":")
    assert reduce(lambda node, part: members(node)[part], qualified.split("."), tree(module))


def test_every_activation_loss_and_scaler_is_in_the_derivation() -> None:
    classes = [
        name
        for name, node in members(tree("kernel")).items()
        if {"Activation", "Loss", "Scaler"} & {getattr(base, "id", "") for base in getattr(node, "bases", [])}
    ]
    assert {"Step", "SquaredLoss", "StandardScaler"} <= set(classes)
    for name in [*classes, "SGD"]:
        assert f"kernel:{name}" in TEXT

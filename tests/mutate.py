"""Mutation testing: change one operator or number of a kernel module at a time, and see whether a test fails.

``python -m tests.mutate optimizers tests/core/test_optimizers.py ...`` works on a copy of the sources without
compiled files, forks for each mutant, and prints those that no test noticed, with how many there were.
"""

from __future__ import annotations

import ast
import copy
import importlib.machinery
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import CodeType
from typing import Any

from tests.interpreted import ROOT, copy_sources

PATIENCE_S = 150.0
SWAPS: dict[type, list[type]] = {
    ast.Add: [ast.Sub],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Div],
    ast.Div: [ast.Mult],
    ast.Lt: [ast.LtE, ast.Gt],
    ast.LtE: [ast.Lt, ast.GtE],
    ast.Gt: [ast.GtE, ast.Lt],
    ast.GtE: [ast.Gt, ast.LtE],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.Is: [ast.IsNot],
    ast.IsNot: [ast.Is],
}
Change = Callable[[Any], None]


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Yield (line, what was changed, the changed module)."""
    untouched = set(_untouched(tree))
    for index, node in enumerate(ast.walk(tree)):
        if id(node) in untouched:
            continue
        for what, change in _changes(node):
            mutant = copy.deepcopy(tree)
            change(list(ast.walk(mutant))[index])
            yield getattr(node, "lineno", 0), what, ast.fix_missing_locations(mutant)


def _untouched(tree: ast.Module) -> Iterator[int]:
    """Yield what says nothing to the interpreter: decorators, annotations, imports."""
    for node in ast.walk(tree):
        parts = [*getattr(node, "decorator_list", []), getattr(node, "annotation", None)]
        parts.append(getattr(node, "returns", None))
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Try):
            parts.append(node)
        for part in parts:
            yield from map(id, ast.walk(part)) if part is not None else ()


def _changes(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Yield what can be changed at a node."""
    if isinstance(node, ast.BinOp | ast.AugAssign):
        for kind in SWAPS.get(type(node.op), []):
            yield f"{type(node.op).__name__} -> {kind.__name__}", _setter("op", kind())
    if isinstance(node, ast.Compare):
        for kind in SWAPS.get(type(node.ops[0]), []):
            yield f"{type(node.ops[0]).__name__} -> {kind.__name__}", _setter("ops", [kind(), *node.ops[1:]])
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield f"not {node.value}", _setter("value", not node.value)
    elif isinstance(node, ast.Constant) and isinstance(node.value, int | float):
        yield f"{node.value} -> {node.value + 1}", _setter("value", node.value + 1)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.Not):
        yield "sign or not dropped", _setter("op", ast.UAdd())
    if isinstance(node, ast.BoolOp):
        yield "and <-> or", _setter("op", ast.Or() if isinstance(node.op, ast.And) else ast.And())
    if isinstance(node, ast.IfExp):
        yield "always", _setter("test", ast.Constant(True))
        yield "never", _setter("test", ast.Constant(False))
    if isinstance(node, ast.AugAssign | ast.Break | ast.Continue):
        yield "statement dropped", _setter("__class__", ast.Pass)


def _setter(name: str, value: Any) -> Change:
    return lambda node: setattr(node, name, value)


def is_noticed(path: str, code: CodeType, tests: list[str]) -> bool:
    """Whether a test fails, or hangs, where ``code`` stands in place of the file."""
    child = os.fork()
    if child == 0:
        _run(path, code, tests)
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) != 0
        time.sleep(0.02)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return True


def _run(path: str, code: CodeType, tests: list[str]) -> None:
    """Run the tests and end the process."""
    import pytest

    original = importlib.machinery.SourceFileLoader.get_code

    def get_code(loader: Any, name: str) -> Any:
        return code if loader.path == path else original(loader, name)

    importlib.machinery.SourceFileLoader.get_code = get_code  # type: ignore[method-assign]
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os._exit(int(pytest.main([*tests, "-x", "-q", "-p", "no:cacheprovider", "-W", "ignore", "--tb=no"])))


def main(module: str, tests: list[str]) -> None:
    """Try every mutant of a kernel module."""
    os.environ.setdefault("EXAMPLES", "15")
    sys.dont_write_bytecode = True
    with tempfile.TemporaryDirectory() as folder:
        copy_sources(Path(folder), "perceptron_core", "service", "tests")
        shutil.copy(ROOT / "pyproject.toml", folder)
        os.chdir(folder)
        sys.path.insert(0, folder)
        path = Path(folder) / "perceptron_core" / "kernel" / f"{module}.py"
        source = path.read_text(encoding="utf-8")
        tree, lines = ast.parse(source), source.splitlines()
        if is_noticed(str(path), compile(tree, path, "exec"), tests):
            raise SystemExit("the tests fail as it is")
        survivors, count = 0, 0
        for line, what, mutant in mutants(tree):
            count += 1
            if not is_noticed(str(path), compile(mutant, path, "exec"), tests):
                survivors += 1
                print(f"{module}.py:{line}: {what}: {lines[line - 1].strip()}", flush=True)
        print(f"{module}: {count} mutants, {survivors} survived")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])

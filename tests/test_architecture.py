"""The import rules of the layers: who may name what."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import perceptron_core
import service

PACKAGES = {"perceptron_core": perceptron_core, "service": service}

ALLOWED = {
    "kafka": ("service/streams/kafka_python",),
    "confluent_kafka": ("service/streams/confluent",),
    "river": (
        "perceptron_core/estimators.py",
        "service/river_metrics.py",
        "service/pipelines/factory.py",
        "service/plain/containers.py",
        "service/commands/datasets.py",
        "service/commands/river_peer.py",
    ),
    "fastapi": ("service/http/",),
    "uvicorn": ("service/http/",),
    "prometheus_client": ("service/http/",),
    "opentelemetry": ("service/tracing.py",),
    "matplotlib": ("perceptron_core/fit_plot.py", "service/commands/plot.py"),
    "service": ("service/",),
}
"""By imported package: the beginnings of the paths of those that may."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the project as (path, tree)."""
    for name, package in PACKAGES.items():
        root = Path(next(iter(package.__path__)))
        for path in sorted(root.rglob("*.py")):
            yield f"{name}/{path.relative_to(root).as_posix()}", ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield the modules that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide what is imported"
            yield node.module or ""


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_is_imported_only_where_it_may_be(package: str) -> None:
    offenders = [
        f"{path} imports {module}"
        for path, tree in sources()
        for module in imported(tree)
        if module.split(".")[0] == package and not path.startswith(ALLOWED[package])
    ]
    assert not offenders


def test_the_core_imports_little() -> None:
    allowed = {
        "__future__",
        "perceptron_core",
        "numpy",
        "msgspec",
        "cython",
        "river",
        "matplotlib",
        *sys.stdlib_module_names,
    }
    for path, tree in sources():
        if path.startswith("perceptron_core/"):
            assert {module.split(".")[0] for module in imported(tree)} <= allowed, path


def test_init_files_hold_exports_only() -> None:
    exports = (ast.Import, ast.ImportFrom, ast.Assign, ast.Expr)
    for path, tree in sources():
        if path.endswith("__init__.py"):
            assert all(isinstance(node, exports) or _is_lazy_export(node) for node in tree.body), path


def _is_lazy_export(node: ast.stmt) -> bool:
    """Whether this imports a name when it is asked for, or names it for the type checker."""
    if isinstance(node, ast.FunctionDef):
        return node.name == "__getattr__"
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


@pytest.mark.parametrize("statement", ["import perceptron_core", "import perceptron_core.metrics"])
def test_the_core_loads_neither_river_nor_the_service(statement: str) -> None:
    shown = "print(*sorted({name.split('.')[0] for name in sys.modules}))"
    root = str(Path(next(iter(perceptron_core.__path__))).parent)
    command = f"import sys; sys.path.insert(0, {root!r}); {statement}; {shown}"
    loaded = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "perceptron_core" in loaded
    assert not {"river", "service", "kafka", "confluent_kafka", "pandas", "scipy"} & set(loaded)

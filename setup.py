"""Compiles the kernel where Cython and a C compiler are at hand; elsewhere it runs interpreted.

Everything else about the package is in ``pyproject.toml``.
"""

from __future__ import annotations

from pathlib import Path

from setuptools import Extension, setup

PLAIN = ("__init__.py", "limits.py")
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": False,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": False,
    "embedsignature": True,
}
# Contraction would change the last bits on arm64; -ffast-math would let NaN labels reach the weights.
FLAGS = ["-O3", "-ffp-contract=off"]


def compiled() -> list[str]:
    """Return the sources that are compiled: the kernel's room, and the metrics."""
    kernel = sorted(Path("perceptron_core/kernel").glob("*.py"))
    return [path.as_posix() for path in kernel if path.name not in PLAIN] + ["perceptron_core/metrics.py"]


def extensions() -> list[Extension]:
    """Return the modules to compile, each of them optional: an install without a compiler succeeds."""
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    sources = [Extension(module_name(path), [path], extra_compile_args=FLAGS) for path in compiled()]
    modules: list[Extension] = cythonize(  # type: ignore[no-untyped-call]
        sources, build_dir="build", compiler_directives=DIRECTIVES
    )
    for module in modules:
        module.optional = True  # here, because cythonize() drops it
    return modules


def module_name(path: str) -> str:
    """Return the name by which a source file is imported."""
    return path.removesuffix(".py").replace("/", ".")


setup(ext_modules=extensions())

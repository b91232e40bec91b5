"""Compiles the kernel, the scanner and the printer where Cython and a compiler are at hand.

Elsewhere the kernel runs interpreted, and the other two are done without.

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
CPP_FLAGS = [*FLAGS, "-std=c++17"]


def compiled() -> list[Extension]:
    """Return what is compiled: the kernel's room and the metrics; the scanner and the printer of records."""
    kernel = [path for path in sorted(Path("perceptron_core/kernel").glob("*.py")) if path.name not in PLAIN]
    plain = [*kernel, Path("perceptron_core/metrics.py")]
    return [
        *(Extension(module_name(path), [str(path)], extra_compile_args=FLAGS) for path in plain),
        *(
            Extension(module_name(path), [str(path)], language="c++", extra_compile_args=CPP_FLAGS)
            for path in sorted(Path("service").glob("*.pyx"))
        ),
    ]


def extensions() -> list[Extension]:
    """Return the modules to compile, each of them optional: an install without a compiler succeeds."""
    try:
        from Cython.Build import cythonize
    except ImportError:
        return []
    modules: list[Extension] = cythonize(  # type: ignore[no-untyped-call]
        compiled(), build_dir="build", compiler_directives=DIRECTIVES
    )
    for module in modules:
        module.optional = True  # here, because cythonize() drops it
    return modules


def module_name(path: Path) -> str:
    """Return the name by which a source file is imported."""
    return ".".join(path.with_suffix("").parts)


setup(ext_modules=extensions())

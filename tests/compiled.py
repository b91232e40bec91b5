"""Tests of what is compiled are skipped where it is not; in CI with a compiler at hand that is a failure."""

from __future__ import annotations

import os
import shutil

import pytest


def require_compiled(name: str, is_compiled: bool, compiler: str = "g++") -> None:
    """Skip or fail unless the thing of that name is compiled."""
    if is_compiled:
        return
    if os.environ.get("CI", "").lower() in ("true", "1") and shutil.which(compiler):
        pytest.fail(f"the {name} is not compiled")
    pytest.skip(f"the {name} is not compiled")

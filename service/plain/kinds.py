"""Which kind a thing is of; and what is no state at all, but code or a constant."""

from __future__ import annotations

import functools
import operator
import re
import types
from enum import Enum
from typing import Any, Final

import numpy as np

from service.plain.containers import CONTAINERS, OBJECT, VECTOR, has_attributes
from service.plain.kind import Kind
from service.plain.leaves import COMPILED, LEAVES

PLAIN: Final = (type(None), bool, int, float, str, bytes)
RUST: Final = "river._river_rust."
"""Where river's compiled classes live; they give and take their state as bytes, which they check."""

_FIXED: Final = (
    type,
    types.FunctionType,
    types.BuiltinFunctionType,
    types.MethodType,
    types.MethodDescriptorType,
    types.MethodWrapperType,
    types.WrapperDescriptorType,
    types.ModuleType,
    functools.partial,
    operator.itemgetter,
    operator.attrgetter,
    operator.methodcaller,
    np.ufunc,
    Enum,
    re.Pattern,
)
_BY_TYPE: Final[dict[type, Kind]] = {**CONTAINERS, **LEAVES}
KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in (*_BY_TYPE.values(), VECTOR, COMPILED, OBJECT)}
"""By the name that is stored."""


def kind_of(thing: Any) -> Kind | None:
    """Return how a mutable thing is kept; None where that is not known."""
    if kind := _BY_TYPE.get(type(thing)):
        return kind
    if type(thing).__module__.startswith(RUST):
        return VECTOR if type(thing).__name__ == "VectorDict" else COMPILED
    return OBJECT if has_attributes(thing) else None


def is_fixed(thing: Any) -> bool:
    """Whether a thing is code or a constant: never state, always taken from the fresh object."""
    return isinstance(thing, _FIXED) or type(thing).__name__ == "cython_function_or_method"

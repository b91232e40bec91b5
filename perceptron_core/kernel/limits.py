"""Numbers that bound the state; plain, so that Python and the compiled modules read the same ones."""

from __future__ import annotations

from typing import Final

BLOCK: Final = 256
"""Features in a block, the unit of state that is written when it changed."""

LIMIT: Final = 1e150
"""The largest magnitude that any number of the state, and the score, may have."""

GRADIENT_LIMIT: Final = 1e12
"""The largest magnitude of ``gradient × weight`` unless another is given, as in river."""

PROBABILITY_FLOOR: Final = 1e-15
"""Probabilities are kept this far from 0 and 1 before a logarithm, as in river."""

NAME_BYTES: Final = 256
"""The longest display name (``name`` or ``name=text``) of a feature, in bytes of UTF-8."""

"""Settings of hypothesis for the core's tests."""

from __future__ import annotations

import os

from hypothesis import settings

# No deadline: the kernel may run interpreted, on a busy machine.
settings.register_profile("core", deadline=None, max_examples=int(os.environ.get("EXAMPLES", "100")))
settings.load_profile("core")

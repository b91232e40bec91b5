"""One browser for each module, a fresh tab for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.service.http_page.learner import DEADLINE_S, Tab, chromium, tab

expect.set_options(timeout=1000 * DEADLINE_S)


@pytest.fixture(scope="module")  # not wider: while it is there, asyncio.run of other suites would not go
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def view(browser: Browser) -> Iterator[Tab]:
    with tab(browser) as opened:
        yield opened

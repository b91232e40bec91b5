"""A real ``perceptron run`` with its HTTP on a free port, and a real Chromium that looks at it."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, sync_playwright

from tests.kafka_broker import give_up
from tests.service.command_line import environment

DEADLINE_S = 120.0
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass
class Learner:
    """A learner that runs, and where it is looked at."""

    home: Path
    process: subprocess.Popen[bytes]
    address: str


@contextmanager
def learner(home: Path, *words: str, port: int = 0) -> Iterator[Learner]:
    """Run one on SQLite in ``home`` until the end of the block."""
    told = home / "run.log"
    settings = ["--set", "http.enabled=true", "--set", f"http.port={port}", "--set", "log.format=text"]
    with told.open("wb") as log:
        command = [sys.executable, "-m", "service", "run", *settings, *words]
        process = subprocess.Popen(command, cwd=home, env=environment(), stdout=log, stderr=log)
    try:
        yield Learner(home, process, _address(process, told))
    finally:
        process.kill()
        process.wait()


def _address(process: subprocess.Popen[bytes], told: Path) -> str:
    deadline = time.monotonic() + DEADLINE_S
    while not (found := re.search(r"http: (http://\S+)", told.read_text())):
        assert process.poll() is None, told.read_text()
        assert time.monotonic() < deadline, told.read_text()
        time.sleep(0.05)
    return found[1]


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the system's browser; without one the tests are skipped, except in CI."""
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        give_up("the dashboard's tests did not run: there is no Chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        # a container's root has no sandbox; /dev/shm may be small there
        browser = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Tab:
    """A page, and what it did that a user does not see."""

    page: Page
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))


@contextmanager
def tab(browser: Browser, **how: object) -> Iterator[Tab]:
    """Open a tab of a user's own; ``how`` as Playwright's contexts take it."""
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **how})  # type: ignore[arg-type]
    context.set_default_timeout(1000 * DEADLINE_S)
    try:
        yield Tab(context.new_page())
    finally:
        context.close()
